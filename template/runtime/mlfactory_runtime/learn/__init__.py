"""Fitting a model and judging it."""
