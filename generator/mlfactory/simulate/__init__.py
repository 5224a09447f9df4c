"""`mlfactory simulate`."""
