"""What goes wrong around a command, in a sentence: disks, databases, code that cannot be read."""

import errno
import os
import re
import shutil
import tempfile
from pathlib import Path

from ..compiled import cut_off, remove_cut_off
from ..errors import FactoryError, not_installed

AGAIN = "then the same command again"
ROOM = f"make room there, {AGAIN}"
HINTS = {
    errno.ENOSPC: ROOM,
    errno.EDQUOT: ROOM,
    errno.EFBIG: f"raise the limit on the size of files (ulimit -f), {AGAIN}",
    errno.EACCES: "look at whose it is, and what you may do there: ls -ld",
    errno.EPERM: "look at whose it is, and what you may do there: ls -ld",
    errno.EROFS: "work where you may write",
    errno.EMFILE: f"raise the limit on open files (ulimit -n), {AGAIN}",
}
# What only training needs, of the library; of a package that needs another, this is both.
TRAINING = ("apprise", "fsspec", "jinja2", "markupsafe", "ruamel", "scipy", "sklearn")
DATABASES = ("sqlalchemy", "sqlite3", "psycopg")
FULL = {errno.ENOSPC, errno.EDQUOT}
BY_TEXT = (
    "No space left on device",
    "File too large",
    "Permission denied",
    "Read-only file system",
)
CODES = dict(zip(BY_TEXT, (errno.ENOSPC, errno.EFBIG, errno.EACCES, errno.EROFS), strict=True))
NUMBER = re.compile(r"\(os error (\d+)\)(?:: (\S.*))?")  # as polars ends what the system says


def explain(error: BaseException) -> FactoryError | None:
    """What went wrong and what to do next; None for a mistake of the program's own."""
    if path := cut_off(error):
        return without_end(path)
    if isinstance(error, FactoryError):
        return error
    if isinstance(error, ModuleNotFoundError) and (name := package(error)) in TRAINING:
        return not_installed(name)
    if isinstance(error, SyntaxError | ImportError):  # features.py and model.py are yours
        hint = "mend that line; a library of your own comes with: uv add LIBRARY"
        return FactoryError(str(error), hint)
    if any(of(error, library) for library in DATABASES):
        return database(error)
    if of(error, "polars"):
        return table(error)
    if isinstance(error, RuntimeError) and str(error).startswith("Symlink loop"):
        text = str(error)
        return FactoryError(text[0].lower() + text[1:], f"remove that link, {AGAIN}")
    if isinstance(error, MemoryError):
        return FactoryError("there is not enough memory", "close what else runs here, or take less")
    if isinstance(error, OSError):
        return (None if error.errno else table(error)) or system(error)
    return None


def without_end(path: Path) -> FactoryError:
    """What to say of compiled modules that a full disk has cut off: they are removed by then."""
    count = remove_cut_off(path)
    others = f" and {count - 1} more like it" if count > 1 else ""
    text = f"{path} was cut off, as a full disk does, and is removed{others}"
    return FactoryError(text, f"see that there is room, {AGAIN}")


def package(error: ModuleNotFoundError) -> str:
    """The top of what could not be imported."""
    return (error.name or "").partition(".")[0]


def of(error: BaseException, library: str) -> bool:
    """Whether a library raised it, which need not be imported to be asked."""
    names = (kind.__module__.partition(".")[0] for kind in type(error).__mro__)
    return library in names


def system(error: OSError) -> FactoryError:
    """What the operating system refused, and where."""
    code = error.errno or 0
    reason = error.strerror or str(error) or type(error).__name__
    names = [str(name) for name in (error.filename, error.filename2) if name is not None]
    places = " and ".join(names) or where(code)
    return FactoryError(f"{places}: {reason}", HINTS.get(code, f"mend that, {AGAIN}"))


def where(code: int) -> str:
    """The place of an error that names none: the fullest of those that are written to."""
    if code not in FULL:
        return "a file"
    folders = [Path.cwd(), Path(tempfile.gettempdir())]
    return f"the disk of {min(folders, key=lambda folder: shutil.disk_usage(folder).free)}"


def table(error: BaseException) -> FactoryError | None:
    """What polars says of a file, where the system refused something."""
    text = str(error).strip()
    number = NUMBER.search(text)
    code = int(number[1]) if number else next((c for t, c in CODES.items() if t in text), 0)
    place = number[2] if number else None
    reason = os.strerror(code) if place else text.splitlines()[0]
    return system(OSError(code, reason, place)) if code else None


def database(error: BaseException) -> FactoryError:
    """A database that cannot be reached or does not take what it is given: the log, as others are
    spoken of where they are asked.
    """
    message = str(getattr(error, "orig", None) or error).strip() or type(error).__name__
    line = message.splitlines()[0]
    full = "full" in line or "disk I/O" in line
    hint = ROOM if full else "look at log.path and log.url_env in params.yaml, and if it runs there"
    return FactoryError(f"the prediction log does not answer: {line}", hint)
