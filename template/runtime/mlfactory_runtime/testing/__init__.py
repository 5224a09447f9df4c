"""What a factory's own tests are made of.

A factory's `tests/` call these checks with the fixture `trained`: the factory's own features and
model, trained once on rows that are made up from its catalog.
"""

from .checks import check_features, check_model
from .trained import Trained

__all__ = ["Trained", "check_features", "check_model"]
