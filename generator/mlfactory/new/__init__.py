"""`mlfactory new`: a factory from data."""
