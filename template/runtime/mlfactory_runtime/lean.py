"""LightGBM, without scikit-learn until somebody asks for what needs it.

`import lightgbm` imports scikit-learn and Dask where they are installed, for interfaces that this
library does not use: two of three seconds in every command. Here both seem absent while it is
imported, and what is made for them comes whole, the first time that it is named.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module, reload
from importlib.abc import MetaPathFinder
from threading import get_ident
from typing import Any

HEAVY = ("sklearn", "dask")
LATER = ("compat", "sklearn", "dask", "plotting")  # modules of LightGBM, imported again when asked
OF_ENGINE = ("cv", "CVBooster")


class Absent(MetaPathFinder):
    """Finds, for the thread that made it, that the heavy packages are not installed."""

    def __init__(self) -> None:
        self.thread = get_ident()

    def find_spec(self, name: str, *_: object) -> None:
        """Raise ModuleNotFoundError for them; all others are for the next finder."""
        if name in HEAVY and get_ident() == self.thread:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


@contextmanager
def lean() -> Iterator[None]:
    """Import LightGBM in it; nothing happens where that, or scikit-learn, is imported already."""
    if {"lightgbm", "sklearn"} & set(sys.modules):
        yield
        return
    absent = Absent()
    sys.meta_path.insert(0, absent)
    try:
        yield
    finally:
        sys.meta_path.remove(absent)
    if package := sys.modules.get("lightgbm"):
        forget(vars(package))


def forget(package: dict[str, Any]) -> None:
    """Take out of LightGBM what it made without scikit-learn, so that it is made with it."""
    modules = {f"lightgbm.{name}" for name in LATER}
    names = [
        name
        for name, value in package.items()
        if name in (*LATER, *OF_ENGINE) or getattr(value, "__module__", None) in modules
    ]
    for name in names:
        del package[name]
    for module in modules:
        sys.modules.pop(module, None)
    package["__getattr__"] = complete


def complete(name: str) -> Any:
    """What LightGBM's package lacks so far: an estimator, `cv`, a plot, or one of its modules."""
    package = sys.modules["lightgbm"]
    if name in LATER:
        return import_module(f"lightgbm.{name}")
    if name in package.__all__:
        reload(import_module("lightgbm.engine"))
        for module in ("engine", "sklearn", "plotting", "dask"):
            whole = import_module(f"lightgbm.{module}")
            if hasattr(whole, name):
                return getattr(whole, name)
    raise AttributeError(f"module 'lightgbm' has no attribute {name!r}")


with lean():
    import lightgbm

__all__ = ["lightgbm"]
