"""New data, a new model, and a fair comparison."""
