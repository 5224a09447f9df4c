"""The `factory` program."""

from . import alert, catalog, data, models, monitor, pipeline, serving
from .app import app, main

__all__ = ["alert", "app", "catalog", "data", "main", "models", "monitor", "pipeline", "serving"]
