"""mlfactory: a factory of model factories."""

__version__ = "0.4.0"
