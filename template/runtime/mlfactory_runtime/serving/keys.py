"""The keys of those who may ask: one in the environment, or several by name in a file."""

import hmac
import logging
import os
from pathlib import Path

from ..errors import FactoryError
from ..settings.params import Serving
from .schema import RefusedError

logger = logging.getLogger("factory")

FORM = "write one key a line: NAME: KEY"


class Keys:
    """The keys as they are now: the file is read again when it has changed, so that keys come and
    go without a restart. A file that cannot be read leaves the keys as they were.
    """

    def __init__(self, settings: Serving) -> None:
        one = os.fsencode(os.environ.get(settings.key_env, ""))
        self.own = {"": one} if one else {}
        name = os.environ.get(settings.keys_env, "")
        self.file = Path(name) if name else None
        self.by_name: dict[str, bytes] = {}
        self.state: tuple[int, ...] = ()
        if self.file:
            self._read(self.file)

    def __bool__(self) -> bool:
        """Whether a key is asked for."""
        return bool(self.own) or self.file is not None

    def name(self, candidate: bytes) -> str:
        """Whose key this is; takes equally long for every wrong one, which is refused."""
        fits = self._names(candidate)
        if not fits:
            raise RefusedError(401, "the header X-API-Key does not hold the key")
        return fits[0]

    def know(self, candidate: bytes) -> bool:
        """Whether whoever sends this may ask; anybody may where no key is asked for."""
        return not self or bool(self._names(candidate))

    def _names(self, candidate: bytes) -> list[str]:
        self._refresh()
        every = {**self.by_name, **self.own}
        return [name for name, key in every.items() if hmac.compare_digest(key, candidate)]

    def _refresh(self) -> None:
        if self.file is None:
            return
        try:
            if state_of(self.file) != self.state:
                self._read(self.file)
                logger.info(
                    "the keys were read again", extra={"fields": {"keys": len(self.by_name)}}
                )
        except (OSError, FactoryError) as error:
            if self.state:  # said once, until the file changes again
                logger.warning("the keys stay as they were: %s", error)
            self.state = state_or_none(self.file)

    def _read(self, file: Path) -> None:
        try:
            state, text = state_of(file), file.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise FactoryError(f"the keys in {file} cannot be read: {error}", FORM) from error
        self.by_name, self.state = parse(text, file), state


def parse(text: str, file: Path) -> dict[str, bytes]:
    """The keys by name. FactoryError names the line that is none, and no key."""
    keys: dict[str, bytes] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, _, key = (part.strip() for part in line.partition(":"))
        if not name or len(key) < 8 or name in keys:
            message = f"line {number} of {file} names no key of 8 letters or more, or a name twice"
            raise FactoryError(message, FORM)
        keys[name] = key.encode()
    return keys


def state_of(file: Path) -> tuple[int, ...]:
    """What changes when the file does."""
    stat = file.stat()
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


def state_or_none(file: Path) -> tuple[int, ...]:
    try:
        return state_of(file)
    except OSError:
        return ()
