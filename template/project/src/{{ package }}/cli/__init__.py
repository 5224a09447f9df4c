"""The `factory` program."""

from . import catalog, data, pipeline, serving
from .app import app, main

__all__ = ["app", "catalog", "data", "main", "pipeline", "serving"]
