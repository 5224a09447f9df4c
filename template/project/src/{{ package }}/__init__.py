"""What is this factory's own: its features and its model. All else is mlfactory_runtime."""

from mlfactory_runtime.compat import legacy

legacy(__name__)  # imports of releases 0.1 to 0.3 go on to work, until 1.0
