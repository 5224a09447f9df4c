"""Imports that factories of releases 0.1 to 0.3 have in their own files; this module goes at 1.0.

There, what is a library now stood beside `model.py`: `from .params import Model`. A name that the
package lacks is looked up here, with a warning that names the command which ends it.
"""

import sys
import warnings
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

HOME = __package__
# What each module of old holds now, in the order in which a name is looked for.
MODULES = {
    "baselines": "learn.baselines",
    "catalog": "settings.catalog settings.availability",
    "check": "data.check report.summary",
    "contract": "data.contract",
    "data": "notebook data.rows tables.read",
    "errors": "errors",
    "files": "files project",
    "formats": "tables.formats",
    "groups": "learn.groups",
    "insight": "learn.insight",
    "kinds": "tables.kinds",
    "log": "log.veil log.service log.batch",
    "metrics": "learn.metrics",
    "params": "settings.model settings.params settings.yaml settings.explain project",
    "predict": "predict.scorer predict.batch",
    "query": "tables.query",
    "signature": "learn.signature data.computed",
    "split": "learn.split",
    "store": "log.store",
    "synth": "learn.synth",
    "train": "learn.train learn.evaluate learn.matrix learn.profile",
}

# Functions that read this file of the working directory where they were given none.
READERS = {"load_catalog": "features.yaml", "load_params": "params.yaml"}


def legacy(package: str) -> None:
    """Let imports of a factory's package find what has become a library."""
    if not any(isinstance(one, Finder) and one.package == package for one in sys.meta_path):
        sys.meta_path.append(Finder(package))


def home_of(module: str, name: str) -> str:
    """The module that a name of an old module stands in now; empty where it is no more."""
    for place in MODULES.get(module, "").split():
        if hasattr(import_module(f"{HOME}.{place}"), name):
            return f"{HOME}.{place}"
    return ""


class Finder(MetaPathFinder, Loader):
    """Finds the modules of old below a package, after everything else that can be imported."""

    def __init__(self, package: str) -> None:
        self.package = package

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        package, _, name = fullname.rpartition(".")
        is_ours = package == self.package and name in MODULES
        return ModuleSpec(fullname, self) if is_ours else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return Moved(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        message = f"{module.__name__} is part of the library {HOME} now: factory migrate"
        warnings.warn(message, DeprecationWarning, stacklevel=6)


class Moved(ModuleType):
    """A module of old, whose names are looked up where they are now."""

    def __getattr__(self, name: str) -> Any:
        place = "" if name.startswith("__") else home_of(self.__name__.rpartition(".")[2], name)
        if not place:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        value = getattr(import_module(place), name)
        return reader(value, Path(READERS[name])) if name in READERS else value


def reader(function: Callable[[Path], Any], usual: Path) -> Callable[..., Any]:
    """The function as it was: it may be called without a file."""

    def read(path: Path = usual) -> Any:
        return function(path)

    return read
