"""The package that `factory extract` writes: code, model, and tests that it says the same."""

import json
import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from polars.testing import assert_frame_equal

from ..errors import FactoryError
from ..learn.manifest import check_files
from ..learn.signature import load_signature
from ..learn.signing import check_signed
from ..learn.synth import synthesise
from ..predict.places import keeper_of
from ..predict.scorer import open_scorer, score
from ..programs import environment, output
from ..project import LIBRARY, Project
from ..registry.artifact import version
from ..scratch import scratch

ROWS = 200
PARITY: dict[str, Any] = {"rel_tol": 1e-12, "abs_tol": 1e-12}
HOME = Path(__file__).parent
TABLES = ("amounts.py", "formats.py", "periods.py", "ranges.py")
COPIES = {"scoring.py": HOME, **dict.fromkeys(TABLES)}
SIBLING = re.compile(r"^\s*from \.(?:(\w+)(?:\.\w+)*)? import (.+)$", re.MULTILINE)
MODEL_FILES = re.compile(r"model(_\d+)?\.txt|(signature|linear|intervals)\.json")
FOREIGN = re.compile(r"^\s*(?:from|import)\s+mlfactory", re.MULTILINE)

INIT = '''"""{title}: from raw rows to predictions. `predict` takes and gives tables."""

from typing import Any

import polars as pl

from .features import features
from .scoring import answers

__all__ = ["predict"]


def predict(rows: pl.DataFrame) -> pl.DataFrame:
    """The answers to raw rows, in their order; a row that has none has a `reason`."""
    compute: Any = features
    return answers(rows, compute)
'''
MAIN = '''"""`python -m {package} IN OUT`: score a file (CSV or Parquet)."""

import os
import sys
from pathlib import Path

import polars as pl

from . import predict
from .scoring import facts


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit("give IN and OUT")
    source, target = map(Path, sys.argv[1:])
    if target.exists() and target.samefile(source):
        sys.exit("OUT is IN: its rows would be lost")
    form = facts()["settings"]
    if source.suffix == ".parquet":
        rows = pl.read_parquet(source)
    else:
        rows = pl.read_csv(
            source, infer_schema=False, separator=form["separator"], encoding=form["encoding"]
        )
    answers, new = predict(rows), target.with_name(f".{{target.name}}.{{os.getpid()}}")
    answers.write_parquet(new) if target.suffix == ".parquet" else answers.write_csv(new)
    new.replace(target)


if __name__ == "__main__":
    main()
'''
PYPROJECT = """[build-system]
requires = ["uv_build>=0.9,<1"]
build-backend = "uv_build"

[project]
name = "{name}"
version = "0.1.0"
description = "The model {version} of {title}"
readme = "README.md"
requires-python = ">=3.11"
dependencies = [
  "numpy>=2.2,<3",
  "polars>=2.1,<3",
{more}]

[dependency-groups]
dev = ["pytest>=9,<10"]

[tool.uv.build-backend]
module-name = "{package}"

[tool.pytest.ini_options]
pythonpath = ["src"]
"""
README = """# {name}

The model {version} of {title}, which predicts `{target}`, with the code that it needs to score.
Nothing in it trains, monitors or logs, and it needs no other package of the factory's.

```
python -m {package} IN.csv OUT.csv
```

```python
from {package} import predict
```

`predict` takes raw rows, with the columns of the factory's data, as a table of polars.
A row that breaks the contract of the data has no prediction, and a `reason`.
`tests/test_parity.py` holds what the factory said of made-up rows against what this says.
"""
TESTS = '''"""It says what the factory says, of rows that were made up."""

from pathlib import Path

import polars as pl
from {package} import predict
from polars.testing import assert_frame_equal

HERE = Path(__file__).parent


def test_the_answers_are_those_of_the_factory() -> None:
    rows, expected = (pl.read_parquet(HERE / f"{{n}}.parquet") for n in ("rows", "expected"))
    answers = predict(rows)
    scored = answers.filter(pl.col("reason").is_null()).select(expected.columns)
    assert_frame_equal(scored, expected, rel_tol=1e-12, abs_tol=1e-12)
    assert scored.height > 0


def test_a_row_alone_is_answered_as_in_a_table() -> None:
    rows = pl.read_parquet(HERE / "rows.parquet").head(5)
    alone = pl.concat([predict(rows[n]) for n in range(rows.height)])
    assert_frame_equal(alone, predict(rows), rel_tol=1e-12, abs_tol=1e-12)
'''


@dataclass(frozen=True)
class Extract:
    """The package that was written, its files, and on how many rows its tests rest."""

    path: str
    package: str
    model: str
    files: int
    rows: int


def extract(project: Project, target: Path, folder: Path | None = None) -> Extract:
    """Write the package of a model to a folder that is not there yet, in one move.

    FactoryError for a model or features that need more than can be copied.
    """
    model = folder or project.model_folder
    if os.path.lexists(target):
        raise FactoryError(f"{project.relative(target)} is there already", "name another folder")
    if keeper := keeper_of(project, target):
        raise FactoryError(f"{target} is kept by {keeper}", "name a folder elsewhere")
    check_signed(project, model)
    check_files(model)
    code = code_of(project)
    target.parent.mkdir(parents=True, exist_ok=True)
    with scratch(target.parent) as room:
        fresh = room / target.name
        package = f"{project.package}_model"
        home = fresh / "src" / package
        home.mkdir(parents=True)
        for name, text in {**code, **own_code()}.items():
            (home / name).write_text(text, "utf-8", newline="\n")
        put_model(project, model, home / "model")
        put_texts(project, model, fresh, package)
        rows = put_rows(project, model, fresh / "tests")
        check_parity(project, fresh, package, room)
        count = sum(path.is_file() for path in fresh.rglob("*"))
        fresh.rename(target)
    return Extract(str(target), package, version(model), count, rows)


def code_of(project: Project) -> dict[str, str]:
    """The features' module and those of its package that it imports. FactoryError where they, or
    the model, need this library."""
    kind = project.params.model.kind
    own = project.source / "model.py"
    if kind == "own" and not LIBRARY.search(own.read_text("utf-8", errors="ignore")):
        raise FactoryError(
            f"{project.relative(own)} is an estimator of your own: only you know how it scores",
            "extract knows LightGBM and linear models; copy `load` and `predict` of yours by hand",
        )
    files, names = dict[str, str](), ["features"]
    for name in names:
        path = project.source / f"{name}.py"
        if name in files or not path.is_file():
            continue
        files[name] = path.read_text("utf-8")
        if FOREIGN.search(files[name]):
            why = f"{project.relative(path)} imports the factory's library"
            raise FactoryError(why, "write that part without it")
        for module, listing in SIBLING.findall(files[name]):
            names += [module] if module else re.findall(r"\w+", listing)
    return {f"{name}.py": text for name, text in files.items()}


def own_code() -> dict[str, str]:
    """This library's own modules that score and read values, for a package of their own."""
    tables = HOME.parent / "tables"
    texts = {
        name: (home or tables).joinpath(name).read_text("utf-8") for name, home in COPIES.items()
    }
    return {name: text.replace("from ..tables.", "from .") for name, text in texts.items()}


def put_model(project: Project, model: Path, home: Path) -> None:
    """The model's own files, and what its columns are."""
    home.mkdir()
    for file in model.iterdir():
        if MODEL_FILES.fullmatch(file.name):
            shutil.copyfile(file, home / file.name)
    text = json.dumps(settings_of(project), indent=1, ensure_ascii=False)
    (home / "settings.json").write_text(f"{text}\n", "utf-8", newline="\n")


def settings_of(project: Project) -> dict[str, Any]:
    """What the catalog and the settings say of raw rows, as far as scoring asks."""
    params, catalog = project.params, project.catalog
    names = [
        name
        for name, column in catalog.columns.items()
        if column.role == "identifier" or name == params.data.id
    ]
    return {
        "missing": list(params.data.missing),
        "separator": params.data.separator,
        "encoding": params.data.encoding.replace("utf-8-sig", "utf-8"),
        "identifiers": names,
        "columns": {
            name: {
                **column.model_dump(include={"dtype", "format", "missing", "nullable", "range"}),
                "values": column.allowed,
            }
            for name, column in catalog.inputs(params).items()
        },
        "parts": {
            name: one.model_dump(include={"parents", "part"}) for name, one in catalog.parts.items()
        },
    }


def put_texts(project: Project, model: Path, fresh: Path, package: str) -> None:
    """The package's door, its settings, and what people read."""
    is_linear = (model / "linear.json").is_file()
    words = {
        "title": project.name,
        "name": f"{package.replace('_', '-')}",
        "package": package,
        "version": version(model),
        "target": load_signature(model).target,
        "more": "" if is_linear else '  "lightgbm>=4.7,<5",\n',
    }
    texts = {
        f"src/{package}/__init__.py": INIT,
        f"src/{package}/__main__.py": MAIN,
        "pyproject.toml": PYPROJECT,
        "README.md": README,
        "tests/test_parity.py": TESTS,
    }
    for name, text in texts.items():
        (fresh / name).parent.mkdir(exist_ok=True)
        (fresh / name).write_text(text.format(**words), "utf-8", newline="\n")


def put_rows(project: Project, model: Path, home: Path) -> int:
    """Made-up rows, which tell of nobody, and what the factory says of them; how many there are."""
    rows = synthesise(project.catalog, project.params, ROWS)
    texts = rows.select(pl.all().exclude(project.params.data.target))
    good, _ = score(texts, open_scorer(project, model))
    if not good.height:
        raise FactoryError("no made-up row can be scored", "factory check")
    texts.write_parquet(home / "rows.parquet")
    good.drop("model", "scored_at", strict=False).write_parquet(home / "expected.parquet")
    return good.height


def check_parity(project: Project, fresh: Path, package: str, room: Path) -> None:
    """FactoryError where the package does not say what the factory says, such as where `model.py`
    changes what the library's verbs give: what is not copied cannot answer."""
    env = {**environment(), "PYTHONPATH": str(fresh / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    target, rows = room / "answers.parquet", fresh / "tests" / "rows.parquet"
    output(room, sys.executable, "-m", package, str(rows), str(target), env=env)
    expected, answers = (
        pl.read_parquet(fresh / "tests" / "expected.parquet"),
        pl.read_parquet(target),
    )
    scored = answers.filter(pl.col("reason").is_null())
    try:
        assert_frame_equal(scored.select(expected.columns), expected, **PARITY)
    except (AssertionError, pl.exceptions.ColumnNotFoundError) as error:
        first = str(error).splitlines()[0]
        own = project.relative(project.source / "model.py")
        raise FactoryError(
            f"the package would not answer as the factory does: {first}",
            f"what {own} does besides the library's `load` and `predict` is not copied: "
            "let `fit` do it, so that it is in the model, or copy the model by hand",
        ) from error
