"""What a release changes for a company, against the one on which its last version was made: new
files, and what of the company's is about something else now, or about nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mlfactory.template.repository import Upstream, Version
from mlfactory.template.stream import File, Files

from . import lineage, overlay, rules
from .company import Company
from .lineage import Lineage
from .overlay import Names, Overlay
from .rules import Effect, Rule

ADDED = "{} is new in upstream, and yours stands in its place: compare them"
CHANGED = "{} stands in place of upstream's, which has changed since {}: compare them"
GONE = "{} stood in place of upstream's, which went after {}: nothing is replaced any more"
FEWER = "the rule {} held at {} of {} on {}, and at {} now"
NEAR = "{} is new in upstream and has what the rule {} finds, and is not among its files"


@dataclass(frozen=True)
class Step:
    """A release's files with the names that they get in a project, and those of the release before
    by their bare names; `base` is that one's name."""

    files: Files
    names: Names
    base: str
    old: Mapping[str, File]

    def added(self) -> set[str]:
        """The sources that the release before did not have."""
        return {source for source in self.names if overlay.bare(source) not in self.old}


@dataclass(frozen=True)
class Cover:
    """New files, by their names in a project, and the rules that reach all of them."""

    rules: tuple[str, ...]
    files: tuple[str, ...]

    @property
    def summary(self) -> str:
        return f"reached by {', '.join(self.rules)}: {', '.join(self.files)}"


def step(
    up: Upstream, before: Lineage | None, on: Version, files: Files, names: Names
) -> Step | None:
    """None where there is no version before, or it was made on the same."""
    if before is None or before.base.commit in ("", on.commit):
        return None
    base = before.base
    there = up if base.commit in up.names else before.up
    old = lineage.files_of(there, base.commit)
    return Step(files, names, base.name, {overlay.bare(name): file for name, file in old.items()})


def covers(one: Step, own: Overlay, effects: tuple[Effect, ...]) -> tuple[Cover, ...]:
    """The files, by their names in a project, that upstream brings since the last version, by the
    rules that reach them; those that stand in the company's own folder are not among them."""
    names = {name for source in one.added() for name in own.names.get(source, ())} - {*own.own}
    by_rules: dict[tuple[str, ...], list[str]] = {}
    for name in sorted(names):
        reached = tuple(effect.name for effect in effects if name in effect.files)
        by_rules.setdefault(reached, []).append(name)
    return tuple(Cover(key, tuple(some)) for key, some in sorted(by_rules.items()))


def uncovered(company: Company, reach: tuple[Cover, ...]) -> tuple[str, ...]:
    """The new files that no rule reaches, and that the company does not leave untouched."""
    rest = (name for cover in reach if not cover.rules for name in cover.files)
    return tuple(n for n in rest if not any(rules.fits(n, p) for p in company.untouched))


def notes(company: Company, one: Step, own: Overlay) -> Iterator[str]:
    """What of the company's is to be looked at."""
    yield from notes_of_files(one, own)
    theirs = {source: own.names[source] for source in one.names if source in own.names}
    theirs = {source: names for source, names in theirs.items() if source not in own.places}
    for rule in (rule for rule in company.rules if rule.find):
        yield from notes_of_rule(rule, one, theirs)


def notes_of_files(one: Step, own: Overlay) -> Iterator[str]:
    """The company's files whose counterpart came, changed or went."""
    now = {overlay.bare(source): file for source, file in one.files.items()}
    for place in own.places:
        key, name = overlay.bare(place), own.names[place][0]
        before, after = one.old.get(key), now.get(key)
        if after and not before:
            yield ADDED.format(name)
        elif before and not after:
            yield GONE.format(name, one.base)
        elif before and after and before.content != after.content:
            yield CHANGED.format(name, one.base)


def notes_of_rule(rule: Rule, one: Step, theirs: Names) -> Iterator[str]:
    """Where a rule finds less than in the release before, and new files that it may be about."""
    for source, names in theirs.items():
        old = one.old.get(overlay.bare(source))
        before, after = places_of(rule, old), places_of(rule, one.files[source])
        if rule.selects(names) and after < before:
            places = f"{before} place{'s' * (before != 1)}"
            yield FEWER.format(rule.name, places, names[0], one.base, after)
        elif old is None and after and not rule.selects(names):
            yield NEAR.format(names[0], rule.name)


def places_of(rule: Rule, file: File | None) -> int:
    """At how many places of a file a rule would hold."""
    text = rules.text_of(file) if file else None
    return rule.apply(text)[1] if text is not None else 0
