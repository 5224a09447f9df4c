"""`mlfactory doctor`."""
