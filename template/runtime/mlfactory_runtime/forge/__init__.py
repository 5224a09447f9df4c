"""What the jobs of a CI ask of the forge that runs them."""
