"""Predictions over HTTP, from the same catalog, features and model as everywhere else."""

from .server import serve

__all__ = ["serve"]
