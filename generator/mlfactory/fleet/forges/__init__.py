"""Where requests are made: GitHub, GitLab, and bare repositories of this disk."""
