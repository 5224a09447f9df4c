"""mlfactory: a factory of model factories."""

__version__ = "0.2.0"
