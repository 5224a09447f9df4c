"""The `factory` program. Its help lists commands in the order of these imports."""
# ruff: noqa: I001 - the order in which a person meets them

from . import data, catalog, pipeline, serving, models, monitor, alert
from .app import app, main

__all__ = ["alert", "app", "catalog", "data", "main", "models", "monitor", "pipeline", "serving"]
