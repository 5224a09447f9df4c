"""The files of a model: their common name, and what dvc.lock says of them."""

import hashlib
from pathlib import Path
from typing import Any

from ..git import git
from ..learn.manifest import files_in
from ..project import COMPARISON, LOCK, MODEL, Project
from ..settings.yaml import read_yaml

SIGNATURE = "signature.json"


def lock_of(root: Path) -> dict[str, Any]:
    """The stages as dvc.lock records them; none without that file."""
    return dict(read_yaml(root / LOCK).get("stages", {}))


def uncommitted(project: Project) -> str:
    """A file of the factory that git knows and that is not as committed; empty if there is none.

    A comparison is written by whoever looks, and no model comes from it.
    """
    looks = (COMPARISON, COMPARISON.with_suffix(".md"))
    apart = (f":(exclude){name.as_posix()}" for name in looks)
    listing = ("status", "--porcelain", "--untracked-files=no", "--", ".", *apart)
    return git(project.root, *listing).partition("\n")[0].strip()


def model_hash(root: Path) -> str | None:
    """DVC's hash of the model that belongs to the commit."""
    outs = lock_of(root).get("train", {}).get("outs", [])
    return next((one.get("md5") for one in outs if one["path"] == MODEL.as_posix()), None)


def version(folder: Path) -> str:
    """A name for a model that follows from its files: the same model has the same name."""
    return version_of(files_in(folder))


def version_of(files: dict[str, Path]) -> str:
    """The same for files that stand elsewhere under other names."""
    digest = hashlib.sha256()
    for name, path in sorted(files.items()):
        digest.update(name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]
