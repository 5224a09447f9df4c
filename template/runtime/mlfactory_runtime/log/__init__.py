"""Predictions, outcomes, and what may be written of them."""
