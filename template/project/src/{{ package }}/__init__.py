"""What is this factory's own: its features and its model. All else is mlfactory_runtime."""
