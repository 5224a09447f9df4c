"""Where a template comes from: its versions, its history, its files."""
