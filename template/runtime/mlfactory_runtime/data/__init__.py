"""Rows of the factory: typed, checked against the contract, and where they come from."""
