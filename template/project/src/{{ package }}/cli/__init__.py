"""The `factory` program."""

from . import catalog, data, models, monitor, pipeline, serving
from .app import app, main

__all__ = ["app", "catalog", "data", "main", "models", "monitor", "pipeline", "serving"]
