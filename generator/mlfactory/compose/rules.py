"""Rules over what a template renders: where one applies, and what it does to a text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import partial

from mlfactory.base.errors import MlfactoryError
from mlfactory.template.stream import File, Files

# What means something only where a file begins, and statements of Jinja, which swallow what is
# around them: a header comes behind. What an include brings is text like any other.
BEFORE = re.compile(
    r"""\ufeff?(?:
        \#!.*\n                                       # what makes a file a program
      | \#.*coding[:=][ \t]*[-\w.]+.*\n                # of Python
      | \#[ \t]*(?:syntax|escape|check)[ \t]*=.*\n    # of a Dockerfile
      | <\?xml.*\?>[ \t]*\n | <!doctype[^>]*>[ \t]*\n
      | ---[ \t]*\n(?:(?!---[ \t]*\n).*\n)*---[ \t]*\n  # the front matter of a page
      | \{%(?![ ]*include\b)(?:(?!%\})[\s\S])*%\}\n
    )*""",
    re.VERBOSE | re.IGNORECASE,
)
# In what a company writes: an expression of a forge, as GitHub's, and code of Jinja.
PART = re.compile(r"(?P<forge>\$\{\{.*?\}\})|(?P<code>\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\})", re.DOTALL)
RAW = re.compile(r"\{%-?\s*(end)?raw\s*-?%\}")
SUFFIX = ".jinja"
ESCAPE = re.compile(r"\\g<[^>]*>|\\.")


@dataclass(frozen=True)
class Rule:
    """One rule: in each of the files, `find` is replaced by `put`, or a `header` begins them.

    With `every`, a file that is selected and has nothing to replace is an error.
    """

    name: str
    files: tuple[str, ...]
    find: re.Pattern[str] | None = None
    put: str = ""
    header: str = ""
    every: bool = False

    def selects(self, names: Iterable[str]) -> bool:
        return any(fits(name, pattern) for name in names for pattern in self.files)

    def apply(self, text: str, *, rendered: bool = False) -> tuple[str, int]:
        """The text with the rule, and at how many places that holds. The lines of one that was
        written on Windows end as its others do."""
        if "\r\n" in text and text.count("\r\n") == text.count("\n"):
            fresh, count = self.apply(text.replace("\r\n", "\n"), rendered=rendered)
            return fresh.replace("\n", "\r\n"), count
        if self.find is not None:
            return self.find.subn(partial(self.replacement, rendered), text)
        at = BEFORE.match(text)
        end = at.end() if at else 0
        header = fitting(self.header, text, end) if rendered else self.header
        if text.startswith(header, end):
            return text, 1
        return f"{text[:end]}{header}{text[end:]}", 1

    def replacement(self, rendered: bool, match: re.Match[str]) -> str:
        """What a rule puts in place of what it finds; where that stands already around it, as where
        a line comes before another, nothing changes."""
        put = fitting(self.put, match.string, match.start()) if rendered else self.put
        old, new = match[0], match.expand(put)
        starts = [at for at in range(len(new)) if old and new.startswith(old, at)]
        text, first = match.string, match.start()
        is_there = any(text.startswith(new, first - at) for at in starts if at <= first)
        return old if is_there else new


@dataclass(frozen=True)
class Effect:
    """What a rule did: the files, by their names in a project, and at how many places; `idle` where
    all of that stood there already."""

    name: str
    files: tuple[str, ...]
    places: int
    idle: bool = False


def fitting(put: str, text: str, at: int) -> str:
    """What is put into a text that is rendered, so that code of Jinja runs there and expressions of
    a forge do not; as it is, where it says itself what is raw."""
    if RAW.search(put):
        return put
    marks = [*RAW.finditer(text, 0, at)]
    raw = bool(marks) and not marks[-1][1]
    kind, first, last = ("code", "endraw", "raw") if raw else ("forge", "raw", "endraw")
    first, last = f"{{% {first} %}}", f"{{% {last} %}}"
    return PART.sub(lambda one: f"{first}{one[0]}{last}" if one[kind] else one[0], put)


def fits(name: str, pattern: str) -> bool:
    """Whether a path fits a pattern; one without a slash is about the last part alone."""
    return re.fullmatch(expression(pattern), part_of(name, pattern)) is not None


def part_of(name: str, pattern: str) -> str:
    """What of a path a pattern is about."""
    return name if "/" in pattern else name.rpartition("/")[2]


def expression(pattern: str) -> str:
    """A glob as a regular expression: `*` stays within a folder, `**` does not."""
    marks = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
    return "".join(marks.get(part, re.escape(part)) for part in parts)


def apply_all(
    rules: tuple[Rule, ...], files: Files, names: Mapping[str, tuple[str, ...]]
) -> tuple[Files, tuple[Effect, ...]]:
    """The files with all rules, one after the other; `names` are those that a file gets in a
    project.

    Raises MlfactoryError for a rule that matches nothing, or that would go on for ever.
    """
    effects = []
    for rule in rules:
        fresh, places = apply_one(rule, files, names)
        refuse_idle(rule, places, names)
        effects.append(effect_of(rule, places, names, idle=fresh == files))
        files = fresh
    for rule in rules:
        refuse_restless(rule, files, apply_one(rule, files, names)[0], names)
    return files, tuple(effects)


def apply_one(
    rule: Rule, files: Files, names: Mapping[str, tuple[str, ...]]
) -> tuple[Files, dict[str, int]]:
    """The files with one rule, and at how many places of each that was selected it holds."""
    places: dict[str, int] = {}
    result = dict(files)
    for source in (source for source in names if rule.selects(names[source])):
        text = text_of(files[source])
        if text is None:
            continue
        refuse_code(rule, source, names[source])
        fresh, places[source] = rule.apply(text, rendered=source.endswith(SUFFIX))
        result[source] = replace(files[source], content=fresh.encode())
    return result, places


def effect_of(
    rule: Rule, places: Mapping[str, int], names: Mapping[str, tuple[str, ...]], *, idle: bool
) -> Effect:
    ours = sorted({name for source, n in places.items() if n for name in names[source]})
    return Effect(rule.name, tuple(ours), sum(places.values()), idle)


def text_of(file: File) -> str | None:
    """A file's text; None of what is not UTF-8."""
    try:
        return file.content.decode()
    except UnicodeDecodeError:
        return None


def refuse_code(rule: Rule, source: str, names: tuple[str, ...]) -> None:
    """Raises MlfactoryError where a rule would write Jinja into a file that is not rendered."""
    parts = PART.finditer(ESCAPE.sub("", rule.put) + rule.header)
    if any(part["code"] for part in parts) and not source.endswith(SUFFIX):
        raise MlfactoryError(
            f"the rule {rule.name} puts Jinja into {names[0]}, which is copied as it is",
            "Leave such files out of the rule, or write it without {{ }}.",
        )


def refuse_idle(
    rule: Rule, places: Mapping[str, int], names: Mapping[str, tuple[str, ...]]
) -> None:
    """Raises MlfactoryError for a rule that does nothing, or not all that it promises."""
    patterns = ", ".join(rule.files)
    if not places:
        near = nearest(rule, names)
        hint = f"Names in a project are, for instance: {', '.join(near)}"
        raise MlfactoryError(f"the rule {rule.name} selects no file: {patterns}", hint)
    idle = sorted(names[source][0] for source, n in places.items() if not n)
    if len(idle) == len(places) or (rule.every and idle):
        where = f"in {', '.join(idle[:5])}" if rule.every else f"in any of {patterns}"
        find = rule.find.pattern if rule.find else ""
        raise MlfactoryError(
            f"the rule {rule.name} matches nothing {where}: {find}",
            "The release may have changed what it is about: mend the rule, or take it out.",
        )


def nearest(rule: Rule, names: Mapping[str, tuple[str, ...]]) -> list[str]:
    """The names in a project that are most like a rule's first pattern."""
    pattern = rule.files[0]
    everything = {part_of(name, pattern) for some in names.values() for name in some}
    return get_close_matches(pattern, sorted(everything), n=5, cutoff=0)


def refuse_restless(
    rule: Rule, before: Files, after: Files, names: Mapping[str, tuple[str, ...]]
) -> None:
    """Raises MlfactoryError for a rule that changes what the rules have made already."""
    for source in names:
        if before[source] != after[source]:
            raise MlfactoryError(
                f"the rule {rule.name} does not settle: applied again, it changes "
                f"{names[source][0]} again",
                "Let it not find what it puts, nor another rule undo it: end it with $, or look "
                "behind it with (?<!…).",
            )
