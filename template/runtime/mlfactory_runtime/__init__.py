"""The library that every factory of mlfactory runs on.

What stands in `__all__` is for a factory's own files, for notebooks and for other programs, and
keeps its promises from one version to the next; all else may change. The names are imported when
they are first used, so that a program pays only for what it needs.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import lightgbm
    from .errors import FactoryError
    from .extensions import Metric
    from .learn.matrix import Matrix
    from .learn.signature import Feature, Signature
    from .notebook import load, read_log, score
    from .settings.availability import Finding
    from .settings.model import Model as ModelSettings

HOMES = {
    "FactoryError": ("errors", "FactoryError"),
    "Feature": ("learn.signature", "Feature"),
    "Finding": ("settings.availability", "Finding"),
    "Matrix": ("learn.matrix", "Matrix"),
    "Metric": ("extensions", "Metric"),
    "ModelSettings": ("settings.model", "Model"),
    "Signature": ("learn.signature", "Signature"),
    "lightgbm": ("lightgbm", ""),
    "load": ("notebook", "load"),
    "read_log": ("notebook", "read_log"),
    "score": ("notebook", "score"),
}

__all__ = [
    "FactoryError",
    "Feature",
    "Finding",
    "Matrix",
    "Metric",
    "ModelSettings",
    "Signature",
    "lightgbm",
    "load",
    "read_log",
    "score",
]


def runtime_version() -> str:
    """The version of this library, as its package says; of a bare folder of files `unpacked`."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("mlfactory-runtime")
    except PackageNotFoundError:
        return "unpacked"


def __getattr__(name: str) -> Any:
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    module, own = HOMES[name]
    value = import_module(f"{__name__}.{module}")
    return getattr(value, own) if own else value


def __dir__() -> list[str]:
    return sorted(__all__)
