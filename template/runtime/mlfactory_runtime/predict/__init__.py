"""Scoring tables."""
