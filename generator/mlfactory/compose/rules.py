"""Rules over what a template renders: where one applies, and what it does to a text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from mlfactory.base.errors import MlfactoryError
from mlfactory.template.stream import File, Files

# Before a header stand what makes a file a program, and statements of Jinja, which swallow what
# is around them.
BEFORE = re.compile(r"(?:#![^\n]*\n)?(?:\{%-?(?:(?!%\}).)*-?%\}\n)*", re.DOTALL)
CODE = re.compile(r"\{[{%#]")
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

    def apply(self, text: str) -> tuple[str, int]:
        """The text with the rule, and at how many places that holds. The lines of one that was
        written on Windows end as its others do."""
        if "\r\n" in text and text.count("\r\n") == text.count("\n"):
            fresh, count = self.apply(text.replace("\r\n", "\n"))
            return fresh.replace("\n", "\r\n"), count
        if self.find is not None:
            return self.find.subn(self.put, text)
        at = BEFORE.match(text)
        end = at.end() if at else 0
        if text.startswith(self.header, end):
            return text, 1
        return f"{text[:end]}{self.header}{text[end:]}", 1


@dataclass(frozen=True)
class Effect:
    """What a rule did: the files, by their names in a project, and at how many places."""

    name: str
    files: tuple[str, ...]
    places: int


def fits(name: str, pattern: str) -> bool:
    """Whether a path fits a pattern; one without a slash is about the last part alone."""
    path = name if "/" in pattern else name.rpartition("/")[2]
    return re.fullmatch(expression(pattern), path) is not None


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
        files, places = apply_one(rule, files, names)
        refuse_idle(rule, places, names)
        effects.append(effect_of(rule, places, names))
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
        fresh, places[source] = rule.apply(text)
        result[source] = replace(files[source], content=fresh.encode())
    return result, places


def effect_of(
    rule: Rule, places: Mapping[str, int], names: Mapping[str, tuple[str, ...]]
) -> Effect:
    ours = sorted({name for source, n in places.items() if n for name in names[source]})
    return Effect(rule.name, tuple(ours), sum(places.values()))


def text_of(file: File) -> str | None:
    """A file's text; None of what is not UTF-8."""
    try:
        return file.content.decode()
    except UnicodeDecodeError:
        return None


def refuse_code(rule: Rule, source: str, names: tuple[str, ...]) -> None:
    """Raises MlfactoryError where a rule would write Jinja into a file that is not rendered."""
    text = ESCAPE.sub("", rule.put) + rule.header
    if CODE.search(text) and not source.endswith(".jinja"):
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
        hint = "Look at the names in a project: mlfactory new trial --no-setup --defaults"
        raise MlfactoryError(f"the rule {rule.name} selects no file: {patterns}", hint)
    idle = sorted(names[source][0] for source, n in places.items() if not n)
    if len(idle) == len(places) or (rule.every and idle):
        where = f"in {', '.join(idle[:5])}" if rule.every else f"in any of {patterns}"
        find = rule.find.pattern if rule.find else ""
        raise MlfactoryError(
            f"the rule {rule.name} matches nothing {where}: {find}",
            "The release may have changed what it is about: mend the rule, or take it out.",
        )


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
