"""The hashes of a model's files: what comes from elsewhere is read when it is known to be whole."""

import hashlib
import stat
from pathlib import Path

from ..errors import FactoryError
from ..records.manifest import Manifest
from ..records.record import read, write

FILE = "manifest.json"
MEASURED = "measured"  # the folder, in that of a model that was fitted anew, of what was measured
AGAIN = "get it again: `dvc checkout`, `dvc pull`, or from where it was made"


def save_manifest(folder: Path) -> None:
    """Write down what the folder holds."""
    files = {name: hashed(path) for name, path in files_in(folder).items() if name != FILE}
    write(folder / FILE, Manifest(files=files))


def check_files(folder: Path) -> None:
    """FactoryError unless all files are those that training wrote; older models have no hashes."""
    folder = whole(folder)
    present = files_in(folder)
    manifest = read(Manifest, folder / FILE)
    if manifest is None:
        return
    for name in sorted({*manifest.files, *present} - {FILE}):
        if name not in present:
            raise FactoryError(f"{folder / name} is not here", AGAIN)
        if name not in manifest.files:
            raise FactoryError(f"{folder / name} is not of this model", "take it out of the folder")
        if hashed(present[name]) != manifest.files[name]:
            raise FactoryError(f"{folder / name} is not what training wrote", AGAIN)


def measured(folder: Path) -> Path:
    """The model that was measured: where it was fitted anew on all rows, the one before."""
    return folder / MEASURED if (folder / MEASURED).is_dir() else folder


def whole(folder: Path) -> Path:
    """The folder of a model, also of what was measured, which is a part of it."""
    part = folder.name == MEASURED and (folder.parent / FILE).is_file()
    return folder.parent if part else folder


def files_in(folder: Path) -> dict[str, Path]:
    """The files by their names below the folder. FactoryError for one that nobody can read through:
    of a pipe or a device no end would come.
    """
    files = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*"))}
    for path in files.values():
        try:
            mode = path.stat().st_mode
        except OSError as error:
            raise FactoryError(f"{path} cannot be read: {error.strerror}", AGAIN) from error
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise FactoryError(f"{path} is no file but a pipe or a device", AGAIN)
    return {name: path for name, path in files.items() if path.is_file()}


def hashed(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
