"""What a release brings that the company's last version did not have, and what becomes of it."""

from __future__ import annotations

from mlfactory.template import repository
from mlfactory.template.repository import Upstream

from . import lineage, overlay, rules
from .company import Company
from .lineage import Lineage
from .overlay import Names, Overlay
from .rules import Effect

REPLACED = "{} is new in upstream, and yours stands in its place: compare them"


def without_rule(
    company: Company,
    up: Upstream,
    before: Lineage | None,
    own: Overlay,
    effects: tuple[Effect, ...],
) -> tuple[str, ...]:
    """The files, by their names in a project, that upstream brings since the last version and that
    nothing of the company's touches."""
    touched = {*own.own, *(name for effect in effects for name in effect.files)}
    rest = sorted(names_of(up, before, own.names) - touched)
    return tuple(n for n in rest if not any(rules.fits(n, p) for p in company.untouched))


def replaced(up: Upstream, before: Lineage | None, names: Names, own: Overlay) -> tuple[str, ...]:
    """What is said of files of the company's that had no counterpart until now; `names` are those
    that upstream's files get in a project."""
    both = names_of(up, before, names) & {*own.own}
    return tuple(REPLACED.format(name) for name in sorted(both))


def names_of(up: Upstream, before: Lineage | None, names: Names) -> set[str]:
    """The names in a project of files that the release of the last version did not have."""
    if before is None or before.last is None:
        return set()
    files = lineage.files_of(up, repository.version(up, before.base).commit)
    old = {overlay.bare(source) for source in files}
    return {name for source in names if overlay.bare(source) not in old for name in names[source]}
