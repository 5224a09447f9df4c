"""Several files that are one table: those of a pattern, or of a folder and the folders in it."""

from glob import glob
from pathlib import Path

from ..errors import FactoryError

DELTA, ICEBERG = "_delta_log", "metadata"


def any_of(path: Path) -> bool:
    """Whether a path or a pattern leads to something."""
    return path.exists() or bool(glob(str(path), recursive=True))  # noqa: PTH207  # a pattern


def files_of(pattern: str) -> list[Path]:
    """The files of a folder or a pattern, in the order of their names.

    In a folder, what begins with `_` or `.` is not data, as Hive and Spark have it. FactoryError
    where its files are of several kinds.
    """
    if not Path(pattern).is_dir():
        names = map(Path, sorted(glob(pattern, recursive=True)))  # noqa: PTH207  # it is absolute
        return [path for path in names if path.is_file()]
    folder = Path(pattern)
    check_plain(folder)
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and is_data(path, folder)]
    endings = {path.suffix for path in files}
    if len(endings) > 1:
        listing = ", ".join(sorted(endings))
        hint = f"name those that you mean: '{folder}/**/*{min(endings)}'"
        raise FactoryError(f"{folder} holds files of several kinds: {listing}", hint)
    return files


def is_data(path: Path, folder: Path) -> bool:
    return not any(part.startswith(("_", ".")) for part in path.relative_to(folder).parts)


def check_plain(folder: Path) -> None:
    """Raises FactoryError for a table whose files say only together with a log what is in it."""
    advice = "read it with its own program, and write one Parquet file"
    if (folder / DELTA).is_dir():
        hint = f"{advice}: python -c \"from deltalake import DeltaTable as T; T('{folder}')"
        raise FactoryError(
            f"{folder} is a Delta table: some of its files are outdated",
            f"{hint}.to_pandas().to_parquet('{folder.name}.parquet')\"",
        )
    if any((folder / ICEBERG).glob("*.metadata.json")):
        raise FactoryError(f"{folder} is an Iceberg table: some of its files are outdated", advice)
