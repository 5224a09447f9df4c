"""The `factory` program. Its help lists commands in the order of these imports."""
# ruff: noqa: F401, I001 - the order in which a person meets them

from . import data, catalog, pipeline, serving, models, monitor, alert, forge, migrate
from .app import app, main

__all__ = ["app", "main"]
