"""What is wrong with the YAML itself: the place, and what a person most likely meant to write."""

import re
from collections.abc import Iterator, Sequence

import yaml

from ..files import CONFLICT, mend

NO_SPACE = re.compile(r"^\s*[\w.-]+:[^\s/:\\]")
COLONS = re.compile(r"^\s*(?:- )?[\w .-]+: +[^'\"\[{|>#&*!].*?:(?: |$)")


def reason(error: yaml.YAMLError) -> str:
    """Line, column and what the reader of YAML says of them."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    parts = (getattr(error, "problem", None), getattr(error, "context", None))
    text = " ".join(filter(None, parts)) or " ".join(str(error).split())
    return f"line {mark.line + 1}, column {mark.column + 1}: {text}" if mark else text


def advice(error: yaml.YAMLError, text: str) -> str:
    """What to do about it, where one of the usual slips is at or before the place."""
    mark, begin = (getattr(error, f"{name}_mark", None) for name in ("problem", "context"))
    lines = text.splitlines()
    if mark is None or any(line.startswith(CONFLICT) for line in lines):
        return mend(text)
    first = begin.line if begin else 0
    return next(slips(lines, first, min(mark.line, len(lines) - 1)), mend(text))


def slips(lines: Sequence[str], first: int, last: int) -> Iterator[str]:
    """The usual slips in these lines, from 0 on, the one nearest to the last first."""
    for n in range(last, first - 1, -1):
        line, place = lines[n], f"line {n + 1}"
        if line[: len(line) - len(line.lstrip())].count("\t"):
            yield f"indent {place} with spaces: YAML takes no tabs"
        elif COLONS.match(line):
            yield f"put the text of {place} in quotes: a colon and a space in it begin a value"
        elif NO_SPACE.match(line) and not COLONS.match(line):
            yield f"put a space after the colon of {place}"
        elif any(line.partition("#")[0].count(quote) % 2 for quote in "'\""):
            yield f"end the quote that begins in {place}"
        elif unequal(line):
            yield f"close the bracket that opens in {place}"
    if last > 0 and (odd := uneven(lines, last)):
        yield odd


def unequal(line: str) -> bool:
    """Whether brackets open and do not close."""
    plain = line.partition("#")[0]
    return any(plain.count(begin) > plain.count(end) for begin, end in ("[]", "{}"))


def uneven(lines: Sequence[str], last: int) -> str:
    """What to do about a line that begins neither where its group does nor one step further."""
    indents = {len(line) - len(line.lstrip()) for line in lines[:last] if line.strip()}
    here = len(lines[last]) - len(lines[last].lstrip())
    near = min(indents, key=lambda one: abs(one - here), default=here)
    return f"begin line {last + 1} in column {near + 1}, as its neighbours" if near != here else ""
