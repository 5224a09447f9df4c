"""Better settings by search, and other libraries on the same rows."""
