"""A factory as it stands in a folder: its places, its settings, and the door to its own code."""

import importlib
import inspect
import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from traceback import extract_tb
from types import ModuleType
from typing import Any, cast

import numpy as np
import polars as pl
import yaml

from .errors import FactoryError
from .settings.catalog import Catalog, load_catalog
from .settings.params import Params, load_params

# Where everything stands, relative to the factory's folder; DVC and git call it so, too.
MODEL, REPORTS, PREPARED = Path("models/model"), Path("reports"), Path("data/prepared")
EVALUATION, COMPARISON = REPORTS / "evaluation.json", REPORTS / "comparison.json"
SNAPSHOT, TAKEN = Path("data/snapshot.json"), Path("data/raw/taken.parquet")
PARAMS, CATALOG, ANSWERS = Path("params.yaml"), Path("features.yaml"), Path(".copier-answers.yml")
PYPROJECT, ABOUT, RUNBOOK = Path("pyproject.toml"), Path("docs/about.md"), Path("docs/runbook.md")
LOCK, PACKAGES = Path("dvc.lock"), Path("uv.lock")

Compute = Callable[[pl.DataFrame], pl.DataFrame]
VERBS = {
    "fit": ("train", "validation", "signature", "settings"),
    "predict": ("model", "x"),
    "save": ("model", "folder"),
    "load": ("folder",),
    "contributions": ("model", "x", "signature"),
}


@dataclass(frozen=True)
class Estimator:
    """The verbs of the factory's model.py; `contributions` is one that it may lack."""

    fit: Callable[..., Any]
    predict: Callable[[Any, np.ndarray], np.ndarray]
    save: Callable[[Any, Path], None]
    load: Callable[[Path], Any]
    contributions: Callable[..., np.ndarray] | None = None


@dataclass(frozen=True)
class Project:
    """A factory in `root`, an absolute path. Settings and code are read when they are asked for."""

    root: Path

    @classmethod
    def find(cls, start: Path) -> "Project":
        """The factory that `start` lies in: the nearest folder with a params.yaml.

        Raises FactoryError where there is none.
        """
        begin = start.absolute()
        for folder in (begin, *begin.parents):
            if (folder / PARAMS).is_file():
                return cls(folder)
        raise FactoryError(f"{PARAMS} is not here", "run this in the factory's own folder")

    @cached_property
    def params(self) -> Params:
        """The settings, the log's file by its full path; FactoryError names all that are wrong."""
        found = load_params(self.root / PARAMS)
        log = found.log.model_copy(update={"path": str(self.root / found.log.path)})
        return found.model_copy(update={"log": log})

    @cached_property
    def catalog(self) -> Catalog:
        """The feature catalog; FactoryError names every entry that is wrong."""
        return load_catalog(self.root / CATALOG)

    @cached_property
    def pyproject(self) -> dict[str, Any]:
        """What pyproject.toml says; nothing where it is not at hand."""
        file = self.root / PYPROJECT
        return tomllib.loads(file.read_text("utf-8")) if file.is_file() else {}

    @cached_property
    def answers(self) -> dict[str, Any]:
        """What was answered when the factory was made."""
        file = self.root / ANSWERS
        return dict(yaml.safe_load(file.read_text("utf-8"))) if file.is_file() else {}

    @cached_property
    def package(self) -> str:
        """The name of the factory's package below src/; FactoryError where nothing tells it."""
        named = self.pyproject.get("tool", {}).get("mlfactory", {}).get("package")
        found = sorted(path.parent.name for path in self.root.glob("src/*/features.py"))
        if not named and len(found) != 1:
            told = f"{PYPROJECT} names no package of the factory under [tool.mlfactory]"
            raise FactoryError(told, 'add a line: package = "NAME", the folder below src/')
        return str(named or found[0])

    @property
    def source(self) -> Path:
        """The folder of the factory's own code."""
        return self.root / "src" / self.package

    @property
    def name(self) -> str:
        """What the factory is called where people read of it."""
        return str(self.pyproject.get("project", {}).get("name") or self.package)

    @property
    def raw(self) -> Path:
        """The file that holds the raw data."""
        return self.root / self.params.data.path

    @property
    def model_folder(self) -> Path:
        return self.root / MODEL

    @property
    def reports(self) -> Path:
        return self.root / REPORTS

    @property
    def prepared(self) -> Path:
        return self.root / PREPARED

    def shown(self, path: Path) -> str:
        """A path as messages name it: below the factory's folder without that."""
        return str(path.relative_to(self.root) if path.is_relative_to(self.root) else path)

    @cached_property
    def compute(self) -> Compute:
        """The function `features` of features.py."""
        found = getattr(self.module("features"), "features", None)
        form = "def features(rows: pl.DataFrame) -> pl.DataFrame"
        return cast(Compute, checked(found, "features.py", form, ("rows",)))

    @cached_property
    def estimator(self) -> Estimator:
        """The verbs of model.py; FactoryError for one that is missing or takes other things."""
        module, verbs = self.module("model"), dict[str, Any]()
        for name, parameters in VERBS.items():
            found = getattr(module, name, None)
            if found is not None or name != "contributions":
                form = f"def {name}({', '.join(parameters)})"
                verbs[name] = checked(found, "model.py", form, parameters)
        return Estimator(**verbs)

    def has(self, name: str) -> bool:
        """Whether the factory's package has a module of that name."""
        return (self.source / f"{name}.py").is_file()

    def module(self, name: str) -> ModuleType:
        """A module of the factory's own package; the only place that imports its code."""
        if not self.has(name):
            told = f"src/{self.package}/{name}.py is not here"
            raise FactoryError(told, f"git log -- src/{self.package}/{name}.py")
        forget_others(self.package, self.source)
        place = str(self.source.parent)
        if sys.path[0] != place:
            sys.path.insert(0, place)
        try:
            return importlib.import_module(f"{self.package}.{name}")
        except FactoryError:
            raise
        except Exception as error:
            raise broken(error, self.source, name) from error


def broken(error: Exception, source: Path, name: str) -> FactoryError:
    """What is told of code that cannot be imported: where in the factory's own files, and why."""
    place, line = last_line(error, source.resolve()) or (f"{name}.py", None)
    where = f"src/{source.name}/{place}" + (f", line {line}" if line else "")
    reason = error.msg if isinstance(error, SyntaxError) else str(error).strip().partition("\n")[0]
    hint = "mend that line"
    if isinstance(error, ImportError):
        hint += "; a library of your own comes with: uv add LIBRARY"
    return FactoryError(f"{where}: {type(error).__name__}: {reason}", hint)


def last_line(error: Exception, folder: Path) -> tuple[str, int | None] | None:
    """The last line below `folder`, without links, that was reached, or cannot be understood."""
    lines = [(frame.filename, frame.lineno) for frame in extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError):
        lines.append((error.filename or "", error.lineno))
    for name, line in reversed(lines):
        if (file := Path(name).resolve()).is_relative_to(folder):
            return file.relative_to(folder).as_posix(), line
    return None


def forget_others(package: str, folder: Path) -> None:
    """Let go of a package of that name that was imported from elsewhere: another factory's."""
    loaded = sys.modules.get(package)
    places = [Path(place).resolve() for place in getattr(loaded, "__path__", [])]
    if loaded is not None and folder.resolve() not in places:
        forget(package)


def forget(package: str) -> None:
    """Let go of a package, so that it is imported anew."""
    for name in [one for one in sys.modules if one.partition(".")[0] == package]:
        del sys.modules[name]
    importlib.invalidate_caches()


def checked(found: Any, file: str, form: str, parameters: tuple[str, ...]) -> Any:
    """The function, if it can be called with so many values; else FactoryError shows its form."""
    if not callable(found):
        name = form.removeprefix("def ").partition("(")[0]
        raise FactoryError(f"{file} has no function `{name}`", f"add it: {form}")
    try:
        inspect.signature(found).bind(*parameters)
    except TypeError as error:
        name = getattr(found, "__name__", "it")
        raise FactoryError(
            f"{file}: `{name}` takes other values: {error}", f"it is called as {form}"
        ) from error
    return found
