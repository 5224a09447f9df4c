"""A factory as it stands in a folder: its places, its settings, and the door to its own code."""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, wraps
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

from .errors import FactoryError
from .extensions import (
    CHECKS,
    PULLS,
    SIDES,
    CheckRows,
    DecideSides,
    Metric,
    Pull,
    averaging,
    broken,
    check,
    check_metrics,
)
from .files import read_toml, short_hash
from .settings.catalog import Catalog, load_catalog
from .settings.params import Params, load_params
from .settings.yaml import read_yaml

if TYPE_CHECKING:
    from importlib.abc import Loader
    from importlib.machinery import ModuleSpec

    import numpy as np
    import polars as pl

# Where everything stands, relative to the factory's folder; DVC and git call it so, too.
MODEL, REPORTS, PREPARED = Path("models/model"), Path("reports"), Path("data/prepared")
EVALUATION, COMPARISON = REPORTS / "evaluation.json", REPORTS / "comparison.json"
SNAPSHOT, TAKEN = Path("data/snapshot.json"), Path("data/raw/taken.parquet")
PARAMS, CATALOG, ANSWERS = Path("params.yaml"), Path("features.yaml"), Path(".copier-answers.yml")
TEMPLATES, SECTIONS, PIPELINE = Path("report"), Path("report/sections"), Path("dvc.yaml")
PYPROJECT, ABOUT, RUNBOOK = Path("pyproject.toml"), Path("docs/about.md"), Path("docs/runbook.md")
LOCK, PACKAGES = Path("dvc.lock"), Path("uv.lock")

Compute = Callable[["pl.DataFrame"], "pl.DataFrame"]
LEAN = b"from mlfactory_runtime.lightgbm import"
LIBRARY = re.compile(r"from mlfactory_runtime\.lightgbm import (\([^)]*|[^\n(]*)\bpredict\b")
GROWS = re.compile(r"from mlfactory_runtime\.lightgbm import (\([^)]*|[^\n(]*)\bgrow(_each)?\b")
VERBS = {
    "fit": ("train", "validation", "signature", "settings"),
    "predict": ("model", "x"),
    "save": ("model", "folder"),
    "load": ("folder",),
    "contributions": ("model", "x", "signature"),
    "refit": ("model", "rows", "signature", "settings"),
}
LACKED = ("contributions", "refit")


@dataclass(frozen=True)
class Estimator:
    """The verbs of the factory's model.py; it may lack `contributions` and `refit`."""

    fit: Callable[..., Any]
    predict: Callable[[Any, np.ndarray], np.ndarray]
    save: Callable[[Any, Path], None]
    load: Callable[[Path], Any]
    contributions: Callable[..., np.ndarray] | None = None
    refit: Callable[..., Any] | None = None


@dataclass(frozen=True)
class Project:
    """A factory in `root`, an absolute path. Settings and code are read when they are asked for."""

    root: Path

    @classmethod
    def find(cls, start: Path) -> Project:
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
        params = load_params(self.root / PARAMS)
        log = params.log.model_copy(update={"path": str(self.root / params.log.path)})
        return params.model_copy(update={"log": log})

    def with_params(self, params: Params) -> Project:
        """The same factory with other settings, which stand in no file."""
        other = Project(self.root)
        other.__dict__["params"] = params
        return other

    @cached_property
    def catalog(self) -> Catalog:
        """The feature catalog; FactoryError names every entry that is wrong."""
        return load_catalog(self.root / CATALOG)

    @cached_property
    def pyproject(self) -> dict[str, Any]:
        """What pyproject.toml says; nothing where it is not at hand."""
        return read_toml(self.root / PYPROJECT)

    @cached_property
    def locked(self) -> list[dict[str, Any]]:
        """The packages of uv.lock, as it lists them; none where it is not at hand."""
        return list(read_toml(self.root / PACKAGES).get("package", []))

    @cached_property
    def answers(self) -> dict[str, Any]:
        """What was answered when the factory was made."""
        return read_yaml(self.root / ANSWERS)

    @cached_property
    def package(self) -> str:
        """The name of the factory's package below src/; FactoryError where nothing tells it."""
        name = self.pyproject.get("tool", {}).get("mlfactory", {}).get("package")
        names = sorted(path.parent.name for path in self.root.glob("src/*/features.py"))
        if not name and len(names) != 1:
            message = f"{PYPROJECT} names no package of the factory under [tool.mlfactory]"
            raise FactoryError(message, 'add a line: package = "NAME", the folder below src/')
        return str(name or names[0])

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

    def relative(self, path: Path) -> str:
        """A path as messages name it: below the factory's folder without that."""
        return str(path.relative_to(self.root) if path.is_relative_to(self.root) else path)

    @cached_property
    def compute(self) -> Compute:
        """The function `features` of features.py, after the library's own parts of dates."""
        function = getattr(self.module("features"), "features", None)
        form = "def features(rows: pl.DataFrame) -> pl.DataFrame"
        own = cast(Compute, check(function, "features.py", form, ("rows",)))
        if not (parts := self.catalog.parts):
            return own
        from .data.calendar import with_parts

        @wraps(own)  # so that a mistake in it is told with its own line
        def compute(rows: pl.DataFrame) -> pl.DataFrame:
            return own(with_parts(rows, parts))

        return compute

    @cached_property
    def estimator(self) -> Estimator:
        """The verbs of model.py; FactoryError for one that is missing or takes other things.

        Where model.kind names a model of this library, its verbs.
        """
        kind, verbs = self.params.model.kind, dict[str, Any]()
        own = kind == "own"
        module = self.module("model") if own else library_model(kind)
        for name, parameters in VERBS.items():
            verb = getattr(module, name, None)
            if verb is not None or name not in LACKED:
                form = f"def {name}({', '.join(parameters)})"
                verbs[name] = check(verb, "model.py", form, parameters)
        return Estimator(**verbs | ({"fit": averaging(verbs["fit"])} if own else {}))

    @cached_property
    def answers_unseen(self) -> bool:
        """Whether the model has an answer for a category that it has not seen.

        The models of this library do. Nothing is imported: this is asked before there is a model.
        """
        if self.params.model.kind != "own":
            return True
        files = self.root.glob("src/*/model.py")
        return any(LIBRARY.search(file.read_text("utf-8", errors="ignore")) for file in files)

    @cached_property
    def learns_in_batches(self) -> bool:
        """Whether model.py fits by what of this library reads rows that stay stored."""
        file = self.source / "model.py"
        own = self.params.model.kind == "own" and file.is_file()
        return own and bool(GROWS.search(file.read_text("utf-8", errors="ignore")))

    @cached_property
    def metrics(self) -> dict[str, Metric]:
        """The metrics of metrics.py by name; none without that file."""
        if not self.has("metrics"):
            return {}
        return check_metrics(getattr(self.module("metrics"), "METRICS", None), "metrics.py")

    @cached_property
    def check_rows(self) -> CheckRows | None:
        """The function `check` of checks.py, if there is one."""
        return cast(CheckRows | None, self.own("checks", "check", CHECKS, ("rows",)))

    @cached_property
    def decide_sides(self) -> DecideSides | None:
        """The function `sides` of split.py, if there is one."""
        return cast(DecideSides | None, self.own("split", "sides", SIDES, ("raw",)))

    @property
    def split_code(self) -> str | None:
        """The hash of split.py; None where the split is not the factory's own."""
        file = self.source / "split.py"
        return short_hash(file.read_bytes()) if file.is_file() else None

    def pull(self, path: Path) -> Pull:
        """The function `pull` of a file that fetches the data."""
        module = self.module(path.stem) if path.parent == self.source else self.outside(path)
        pull = getattr(module, "pull", None)
        return cast(Pull, check(pull, self.relative(path), PULLS, ("target",)))

    def own(self, name: str, function: str, form: str, parameters: tuple[str, ...]) -> Any:
        """A function of a module that a factory may have; null where it has none."""
        if not self.has(name):
            return None
        return check(getattr(self.module(name), function, None), f"{name}.py", form, parameters)

    def has(self, name: str) -> bool:
        """Whether the factory's package has a module of that name."""
        return (self.source / f"{name}.py").is_file()

    def module(self, name: str) -> ModuleType:
        """A module of the factory's own package; the only place that imports its code."""
        if not self.has(name):
            message = f"src/{self.package}/{name}.py is not here"
            raise FactoryError(message, f"git log -- src/{self.package}/{name}.py")
        forget_others(self.package, self.source)
        place = str(self.source.parent)
        if sys.path[0] != place:
            sys.path.insert(0, place)
        code = self.source / f"{name}.py"
        try:
            if LEAN in code.read_bytes():
                importlib.import_module(f"{__package__}.lean")  # before the file imports LightGBM
            return importlib.import_module(f"{self.package}.{name}")
        except FactoryError:
            raise
        except Exception as error:
            raise broken(error, code, self.relative(code)) from error

    def outside(self, path: Path) -> ModuleType:
        """A file that is not of the package, as a module of its own."""
        if not path.is_file():
            raise FactoryError(f"{path} is not here", "correct data.source in params.yaml")
        name = f"mlfactory_own_{short_hash(str(path).encode() + path.read_bytes())}"
        if name not in sys.modules:
            try:
                run(path, name)
            except FactoryError:
                raise
            except Exception as error:
                raise broken(error, path, self.relative(path)) from error
        return sys.modules[name]


def library_model(kind: str) -> ModuleType:
    """The verbs of one of this library's own models."""
    return importlib.import_module(f"{__package__}.learn.{kind}")


def run(path: Path, name: str) -> ModuleType:
    """The module that a file makes; what goes wrong in it leaves nothing behind."""
    spec = cast("ModuleSpec", importlib.util.spec_from_file_location(name, path))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # a dataclass looks its module up
    try:
        cast("Loader", spec.loader).exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def forget_others(package: str, folder: Path) -> None:
    """Let go of a package of that name that was imported from elsewhere: another factory's."""
    module = sys.modules.get(package)
    places = [Path(place).resolve() for place in getattr(module, "__path__", [])]
    if module is not None and folder.resolve() not in places:
        forget(package)


def forget(package: str) -> None:
    """Let go of a package, so that it is imported anew."""
    for name in [one for one in sys.modules if one.partition(".")[0] == package]:
        del sys.modules[name]
    importlib.invalidate_caches()
