"""Tables as people have them: encodings, separators, numbers, dates."""

from ..errors import FactoryError

__all__ = ["FactoryError"]
