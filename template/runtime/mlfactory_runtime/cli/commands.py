"""All commands. The help lists them in the order of these imports."""
# ruff: noqa: F401, I001 - the order in which a person meets them

from . import data, catalog, pipeline, search, serving, batch, models, signing, trail
from . import monitor, alert, forge, release, migrate
from .program import app, run

__all__ = ["app", "run"]
