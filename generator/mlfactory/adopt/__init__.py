"""`mlfactory adopt` and `mlfactory extract`: the ways in for what is there, and out again."""
