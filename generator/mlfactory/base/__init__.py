"""What every room stands on: errors, programs, git, answers."""
