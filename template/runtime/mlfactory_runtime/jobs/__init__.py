"""What the jobs of a CI do, whichever forge runs them."""
