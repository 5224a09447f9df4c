"""A project of a template, as its repository records it."""
