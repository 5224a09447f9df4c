"""Compiled modules that lost their end: Python keeps what a full disk took of one.

Before 3.12.8 and 3.13.1 it does not look whether all was written (python/cpython#126606), and what
imports such a file later ends in an EOFError, also when there is room again.
"""

import marshal
import sys
from pathlib import Path

HEADER = 16  # bytes before the code (PEP 552)


def cut_off(error: BaseException | None) -> Path | None:
    """The compiled file without its end that an error, or what led to it, comes from."""
    chain: list[BaseException] = []
    while error is not None and error not in chain:
        chain.append(error)
        trace = error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_name == "_compile_bytecode":
                return Path(trace.tb_frame.f_locals["bytecode_path"])
            trace = trace.tb_next
        error = error.__cause__ or error.__context__
    return None


def remove_cut_off(path: Path) -> int:
    """Remove this one and its like in the same folder of packages; returns how many there were."""
    places = [Path(place) for place in sys.path if path.is_relative_to(place or ".")]
    kind = f"*.{sys.implementation.cache_tag}.pyc"
    cut = {path, *(one for place in places for one in place.rglob(kind) if not is_whole(one))}
    for one in cut:
        one.unlink(missing_ok=True)
    return len(cut)


def is_whole(path: Path) -> bool:
    """Whether a compiled file can be read to its end, as every import reads it."""
    try:
        marshal.loads(path.read_bytes()[HEADER:])  # noqa: S302 - as every import of it does
    except (EOFError, ValueError, TypeError):
        return False
    return True
