"""The first draft of catalog and split, from the data."""
