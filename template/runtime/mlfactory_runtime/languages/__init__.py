"""What people read, in the language of the page: one file of strings for each language.

The English text is the key and stands where it is said, so a page is read in its source. What a
language lacks stays English. `pages` holds what is said with `say`; `records` holds sentences that
are English in records and logs, and that a page shows: they are recognised by their form. `groups`
holds what groups of rows are called, apart from names of values, which are the data's.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from string import Formatter
from typing import Any

FOLDER = files(__name__)  # also in an archive, as a cluster's workers have it
ENGLISH = "en"
HOLE = re.compile(r"\{(\w+)(?::(text|number))?\}")
NUMBER = r"[-+]?[\d,]*\.?\d+(?:e[-+]?\d+)?%?"
DAY = re.compile(r"(\d{4})-(\d\d)-(\d\d)")


@dataclass(frozen=True)
class Form:
    """A sentence of records: how it is recognised, which parts are sentences, and its words."""

    pattern: re.Pattern[str]
    parts: frozenset[str]
    text: str


@dataclass(frozen=True)
class Language:
    """The strings of a language by their English, and how it writes numbers and days."""

    code: str
    decimal: str
    thousands: str
    percent: str
    day: str
    strings: Mapping[str, str] = field(repr=False)
    forms: tuple[Form, ...] = field(repr=False)
    groups: tuple[Form, ...] = field(repr=False)


def codes() -> list[str]:
    """The languages there are."""
    names = (file.name.partition(".") for file in FOLDER.iterdir())
    return sorted(name for name, _, ending in names if ending == "json")


@cache
def load(code: str) -> Language:
    """A language of its file."""
    content = json.loads((FOLDER / f"{code}.json").read_text("utf-8"))
    strings = content["pages"] | content["records"]
    forms, groups = (_forms(content[part]) for part in ("records", "groups"))
    return Language(
        code, **content["numbers"], day=content["day"], strings=strings, forms=forms, groups=groups
    )


def _forms(lines: Mapping[str, str]) -> tuple[Form, ...]:
    """The longest first, for it says most of what it is."""
    ordered = sorted(lines.items(), key=lambda entry: -len(HOLE.sub("", entry[0])))
    return tuple(_form(key, text) for key, text in ordered)


def _form(key: str, text: str) -> Form:
    pattern, end, parts = "", 0, set()
    for hole in HOLE.finditer(key):
        name, kind = hole.groups()
        pattern += re.escape(key[end : hole.start()])
        pattern += f"(?P<{name}>{NUMBER if kind == 'number' else '.+?'})"
        end = hole.end()
        if kind == "text":
            parts.add(name)
    return Form(re.compile(pattern + re.escape(key[end:]), re.DOTALL), frozenset(parts), text)


# A page calls a hundred small functions that write numbers and sentences. Each writes for one
# reader, so the language is of the context, as the precision of `decimal` is.
_LANGUAGE: ContextVar[str] = ContextVar("language", default=ENGLISH)


@contextmanager
def writing_in(code: str) -> Iterator[None]:
    """Write in a language within."""
    before = _LANGUAGE.set(code)
    try:
        yield
    finally:
        _LANGUAGE.reset(before)


def language() -> Language:
    """The language of what is being written."""
    return load(_LANGUAGE.get())


class _Words(Formatter):
    def format_field(self, value: Any, format_spec: str) -> str:
        text = format(value, format_spec)
        return local(text) if format_spec and isinstance(value, int | float) else text


def say(text: str, /, **values: Any) -> str:
    """A text in the language, with values in its holes; numbers with a form are written as its."""
    return _Words().vformat(language().strings.get(text, text), (), values)


def local(text: str) -> str:
    """A number in English form, as the language writes it."""
    own = language()
    if own.code == ENGLISH:
        return text
    return text.translate({ord(","): own.thousands, ord("."): own.decimal, ord("%"): own.percent})


def form(spec: str, value: float) -> str:
    """A number in a form, as the language writes it."""
    return local(format(value, spec))


def day(text: str) -> str:
    """A text in which days stand as in ISO 8601, with these as the language writes them."""
    return DAY.sub(lambda match: language().day.format(*match.groups()), text)


def of_record(text: str) -> str:
    """A sentence of a record in the language; as it is where its form is not among them."""
    own = language()
    return own.strings.get(text) or _in_form(text, own.forms)


def of_group(text: str) -> str:
    """A group of values: a range of numbers, or what is missing; a value's own name stays."""
    return _in_form(text, language().groups)


def _in_form(text: str, forms: Iterable[Form]) -> str:
    for one in forms:
        if match := one.pattern.fullmatch(text):
            values = match.groupdict().items()
            return one.text.format(**{n: _part(v, is_text=n in one.parts) for n, v in values})
    return text


def _part(text: str, *, is_text: bool) -> str:
    """What stands in a hole: a number, a sentence of its own, or a name."""
    if re.fullmatch(NUMBER, text):
        return local(text)
    return of_record(text) if is_text else text
