"""The code that builds, proves and runs this factory's model."""
