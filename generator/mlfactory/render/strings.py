"""What Jinja compiles of a template, once for all renders of this process.

copier compiles every part of every path, mostly plain ones, each time it meets it: that took
more time than the files. And of two versions of a template most files are the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from types import CodeType
from typing import Any

MARKS = (
    "block_start_string",
    "variable_start_string",
    "comment_start_string",
    "line_statement_prefix",
    "line_comment_prefix",
)


@dataclass(frozen=True)
class Plain:
    """A text without anything for Jinja in it."""

    text: str

    def render(self, *_: Any, **__: Any) -> str:
        return self.text


def compile_once(environment: Any) -> None:
    """Let an environment remember what it has compiled."""
    remember_strings(environment)
    environment.bytecode_cache = shared_code()


@lru_cache(maxsize=1)
def shared_code() -> Any:
    """Compiled files by their name and content, wherever they are checked out."""
    from jinja2.bccache import Bucket, BytecodeCache

    class SharedCode(BytecodeCache):
        def __init__(self) -> None:
            self.code: dict[tuple[str, str], CodeType | None] = {}

        def get_cache_key(self, name: str, filename: str | None = None) -> str:  # noqa: ARG002
            """Without the folder, which is another one each time."""
            return name

        def load_bytecode(self, bucket: Bucket) -> None:
            bucket.code = self.code.get((bucket.key, bucket.checksum))

        def dump_bytecode(self, bucket: Bucket) -> None:
            self.code[bucket.key, bucket.checksum] = bucket.code

    return SharedCode()


def remember_strings(environment: Any) -> None:
    """Compile no string twice, and none that is plain.

    Extensions see every string all the same: copier's own keeps state between two of them.
    """
    usual = environment.from_string
    compile_string = lru_cache(maxsize=None)(usual)
    marks = marks_of(environment)

    def from_string(source: str, *more: Any, **options: Any) -> Any:
        text = environment.preprocess(source)
        if more or options or text != source:
            return usual(source, *more, **options)
        return Plain(source) if is_plain(source, marks) else compile_string(source)

    environment.from_string = from_string


def marks_of(environment: Any) -> tuple[str, ...]:
    """What Jinja looks for in a text."""
    return tuple(filter(None, (getattr(environment, name) for name in MARKS)))


def is_plain(source: str, marks: tuple[str, ...]) -> bool:
    """Whether Jinja would leave a text as it is; line ends it may change."""
    return not any(mark in source for mark in (*marks, "\n", "\r"))
