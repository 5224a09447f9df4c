"""LightGBM, without scikit-learn until somebody asks for what needs it.

`import lightgbm` imports scikit-learn and Dask where they are installed, for interfaces that this
library does not use: two of three seconds in every command. Here both seem absent while it is
imported, and what is made for them comes whole, the first time that any of it is named.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from importlib.abc import MetaPathFinder
from threading import RLock, get_ident
from types import FunctionType
from typing import Any

HEAVY = ("sklearn", "dask")
USING = ("sklearn", "plotting", "dask")  # modules of LightGBM with names of its package
LATER = ("compat", *USING)  # those that are imported again when they are asked for
LOCK = RLock()


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
    forget()


def forget() -> None:
    """Take out of LightGBM what it made without scikit-learn, so that it is made with it."""
    package, engine = vars(sys.modules["lightgbm"]), vars(sys.modules["lightgbm.engine"])
    modules = {f"lightgbm.{name}" for name in LATER}
    for name in [n for n, value in package.items() if getattr(value, "__module__", 0) in modules]:
        del package[name]
    for name in LATER:
        package.pop(name, None)
        sys.modules.pop(f"lightgbm.{name}", None)
    cross_validate = engine.pop("cv")
    del package["cv"]

    def attribute(name: str) -> Any:
        """What is not there yet: an estimator, `cv`, a plot, or one of the modules."""
        if name in LATER:
            return import_module(f"lightgbm.{name}")
        if name in package["__all__"]:
            complete(package, engine, cross_validate)
        if name not in package:
            raise AttributeError(f"module 'lightgbm' has no attribute {name!r}")
        return package[name]

    package["__getattr__"] = engine["__getattr__"] = attribute


def complete(package: dict[str, Any], engine: dict[str, Any], cross_validate: FunctionType) -> None:
    """Give LightGBM all that it has where scikit-learn is there from the beginning; once."""
    with LOCK:
        if "cv" in package:
            return
        compat = vars(import_module("lightgbm.compat"))
        common = {name for name in engine.keys() & compat.keys() if not name.startswith("__")}
        engine.update({name: compat[name] for name in common})
        for module in USING:
            with suppress(ImportError):  # as LightGBM does
                whole = vars(import_module(f"lightgbm.{module}"))
                missing = (set(package["__all__"]) - package.keys()) & whole.keys()
                package.update({name: whole[name] for name in missing})
        engine["cv"] = package["cv"] = cross_validate
        del package["__getattr__"], engine["__getattr__"]


with lean():
    import lightgbm

__all__ = ["lightgbm"]
