"""The words of a cookiecutter template in copier's: names in Jinja, and what has no counterpart."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

RAW = re.compile(r"(\{%-?\s*raw\s*-?%\}.*?\{%-?\s*endraw\s*-?%\})", re.DOTALL)
BLOCK = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
NAME = re.compile(r"\bcookiecutter(?:\.(\w+)|\[\s*['\"]([^'\"]+)['\"]\s*\])")
# What a template calls its own: a question of that name would not be seen there.
LOCAL = re.compile(
    r"\{%[-+]?\s*(?:set|for|macro|with|import|from|call)\b(.*?)(?:=|\bin\b|%\})", re.DOTALL
)
# Names that Jinja or copier has already.
RESERVED = {
    "now", "make_secret", "range", "dict", "lipsum", "cycler", "joiner", "namespace", "loop",
    "self", "caller", "varargs", "kwargs", "true", "false", "none", "True", "False", "None",
    "and", "or", "not", "in", "is", "if", "else",
}  # fmt: skip
MARK = re.compile(r"\{[{%#]")
# What cookiecutter's own extensions bring, and copier has not, or has otherwise.
LACKED = {
    "jsonify": re.compile(r"\|\s*jsonify\b"),
    "slugify": re.compile(r"\|\s*slugify\b"),
    "random_ascii_string": re.compile(r"\brandom_ascii_string\b"),
    "uuid4": re.compile(r"\buuid4\b"),
    "now": re.compile(r"\{%-?\s*now\b"),
    "include": re.compile(r"\{%-?\s*(?:include|import|from|extends)\b"),
    "cookiecutter": re.compile(r"\bcookiecutter\b"),
}


def is_plain(text: str) -> bool:
    """Whether Jinja would leave a text as it is."""
    return not MARK.search(text)


def local_names(text: str) -> set[str]:
    """The variables that a text binds itself."""
    return {word for match in LOCAL.finditer(text) for word in re.findall(r"\w+", match[1])}


def convert(text: str, names: Mapping[str, str]) -> str:
    """The text with the names that questions have in copier; what is raw stays so."""

    def block(match: re.Match[str]) -> str:
        return NAME.sub(lambda m: names.get(m[1] or m[2], m[0]), match[0])

    parts = RAW.split(text)
    return "".join(p if n % 2 else BLOCK.sub(block, p) for n, p in enumerate(parts))


def leftovers(text: str) -> Iterator[tuple[int, str]]:
    """Line and word of what copier does not know in a text that is converted."""
    parts, line = RAW.split(text), 1
    for number, part in enumerate(parts):
        for match in () if number % 2 else BLOCK.finditer(part):
            at = line + part[: match.start()].count("\n")
            yield from ((at, word) for word, form in LACKED.items() if form.search(match[0]))
        line += part.count("\n")
