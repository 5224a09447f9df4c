"""The registry: versions and stages of the model are git tags, its files are DVC's."""
