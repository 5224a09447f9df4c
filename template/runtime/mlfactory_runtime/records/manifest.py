"""models/model/manifest.json: the model's own files, each by its SHA-256."""

from .record import Record


class Manifest(Record):
    """Hashes by name, names as below the model's folder; the file itself is not among them."""

    files: dict[str, str]
