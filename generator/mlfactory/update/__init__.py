"""`mlfactory update`, and how a project stands to its template."""
