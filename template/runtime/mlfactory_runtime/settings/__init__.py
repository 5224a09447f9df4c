"""The settings and the feature catalog."""
