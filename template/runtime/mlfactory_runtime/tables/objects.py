"""Tables of programs: JSON, Arrow and Avro."""

from pathlib import Path

import polars as pl

from ..errors import FactoryError
from .limits import check_columns, check_values

MOST_JSON = 1_000_000_000  # bytes; a list is held in memory as a whole
FEATHER = 'python -c "import pandas; pandas.read_feather({!r}).to_parquet({!r})"'


def json_list(path: Path, table: str | None, target: Path, form: object) -> None:
    """A list of objects, held in memory as a whole; or objects line by line."""
    with path.open("rb") as file:
        start = file.read(1000).decode("utf-8-sig", "replace").lstrip()
    if not start.startswith("["):
        json_lines(path, table, target, form)
        return
    if path.stat().st_size > MOST_JSON:
        message = f"{path} is one list of {path.stat().st_size:,} bytes, which memory has to hold"
        lines = path.with_suffix(".jsonl").name
        raise FactoryError(message, f"make lines of it: jq -c '.[]' {path.name} > {lines}")
    rows = pl.read_json(path, infer_schema_length=None)
    check_columns(path, rows.width, form)
    check_objects(path, rows.schema, rows.height)
    rows.write_parquet(target)


def json_lines(path: Path, _: str | None, target: Path, form: object) -> None:
    """An object a line, streaming; a column gets the type that fits all of them."""
    lines = pl.scan_ndjson(path, infer_schema_length=None)
    check_columns(path, len(lines.collect_schema()), form)
    check_objects(path, lines.collect_schema(), lines.select(pl.len()).collect().item())
    lines.sink_parquet(target)


def check_objects(path: Path, schema: pl.Schema, rows: int) -> None:
    """Raises FactoryError for one object whose values are the columns or hold the rows."""
    if not rows or (rows == 1 and all(dtype.is_nested() for dtype in schema.values())):
        hint = "write a list of objects, one a row: in pandas, to_json(FILE, orient='records')"
        raise FactoryError(f"{path} is no list of rows, but one object", hint)


def arrow(path: Path, _: str | None, target: Path, form: object) -> None:
    """Streaming, for the form that files have; in memory for that of streams."""
    with path.open("rb") as file:
        start = file.read(6)
    if start.startswith(b"FEA1"):
        message = f"{path} is of the first version of Feather, which is read no more"
        raise FactoryError(message, FEATHER.format(path.name, target.name))
    if start != b"ARROW1":
        pl.read_ipc_stream(path).write_parquet(target)
        return
    table = pl.scan_ipc(path)
    rows = table.select(pl.len()).collect().item()
    check_values(path, rows, len(table.collect_schema()), form)
    table.sink_parquet(target)


def avro(path: Path, _: str | None, target: Path, __: object) -> None:
    """In memory as a whole."""
    pl.read_avro(path).write_parquet(target)
