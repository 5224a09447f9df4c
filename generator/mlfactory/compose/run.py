"""`mlfactory template compose`: from a release and company.yml to the company's next version."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mlfactory.base import addresses
from mlfactory.base.errors import UsageError
from mlfactory.base.talk import Talk
from mlfactory.template import choice, published, repository
from mlfactory.template.repository import Upstream, Version
from mlfactory.template.stream import File, Files

from . import company as reading
from . import fresh, lineage, overlay, proof, questions, release, rules, trials
from .company import Company
from .fresh import Cover
from .lineage import Lineage
from .proof import Proof
from .questions import Rows
from .rules import Effect

RAW = (
    "{} has upstream's own tags {}: plain copier may take one in place of yours; "
    "take them out with `git push --delete {} {}`"
)
FOREIGN = (
    "{} is not mlfactory's own, and the organisation's setting `trusted` does not name it, so that "
    "nothing of it was run"
)
IDLE = "the rule {} changes nothing: what it puts stands in each of its places already"
NOT_RELEASED = "upstream's {} is not released: this version is a trial that nobody is updated to"


@dataclass(frozen=True)
class Draft:
    """A composed template before it is a version: its files, and what was done to get there."""

    files: Files
    own: tuple[str, ...]
    effects: tuple[Effect, ...]
    reach: tuple[Cover, ...]
    rows: Rows
    forbidden: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Composition:
    """What was made; `--json` prints exactly this. `done` is false where nothing was pushed, `new`
    where the company's repository has the same already. `forbidden` are answers that nobody can
    give together, one row for each reason. `proofs` are factories that were made with it and passed
    their own checks; without any, `unproven` says why."""

    version: str
    on: str
    upstream: str
    url: str
    branch: str
    commit: str
    parents: tuple[str, ...]
    rules: tuple[Effect, ...]
    files: tuple[str, ...]
    covered: tuple[Cover, ...]
    uncovered: tuple[str, ...]
    combinations: int
    changelog: str
    new: bool
    done: bool
    warnings: tuple[str, ...] = ()
    proofs: tuple[Proof, ...] = ()
    unproven: str = ""
    forbidden: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        """What was done, for people."""
        if not self.new:
            return f"{self.url} has this already: {self.version}"
        where = f"{self.url} has got" if self.done else "this would be"
        lines = [f"rule {e.name}: {places(e)}" for e in self.rules]
        lines += [f"added or replaced: {', '.join(self.files)}"] if self.files else []
        lines += [f"new in {self.on}, {cover.summary}" for cover in self.covered]
        lines += [f"new in {self.on}, and no rule covers it: {name}" for name in self.uncovered]
        lines += [f"{self.combinations} combinations of answers render soundly"]
        lines += [f"left out, for no project can have it: {text}" for text in self.forbidden]
        lines += [f"own checks with {p.answers}: {', '.join(p.checks)} passed" for p in self.proofs]
        lines += [f"no factory's own checks were run: {self.unproven}"] * bool(self.unproven)
        return "\n".join([*lines, f"{where} {self.version}, commit {self.commit[:10]}"])


def places(effect: Effect) -> str:
    files = f"{len(effect.files)} file{'s' * (len(effect.files) != 1)}"
    return f"{effect.places} place{'s' * (effect.places != 1)} in {files}"


def compose(
    path: Path,
    talk: Talk,
    *,
    on: str = "",
    publish: str = "",
    dry_run: bool = False,
    checks: str = proof.FEW,
) -> Composition:
    """Make the company's version of a release, and push it where an address is known.

    Raises MlfactoryError for rules that do nothing or do not settle, for a render that is not
    sound or fails its checks, and for a repository that holds something else; nothing is pushed
    then.
    """
    company = reading.read(path)
    url = publish or company.publish
    addresses.refuse("--publish", url)
    up = published.template(company.upstream)
    base = lineage.release_of(up, on or company.release or newest(up))
    before = lineage.of(url, up)
    lineage.check_base(base, before)
    draft = drafted(company, up, base, before, talk)
    warnings = warnings_of(up, base, before, url, draft)
    for text in warnings:
        talk.note(text)
    push_to = "" if dry_run else url
    proofs, unproven = tuple[Proof, ...](), ""
    if not is_there(company, base, before, draft):
        proofs, unproven = proven(up, base, draft, checks, talk, must=bool(push_to))
    name, oid, notes = finish(company, up, base, before, draft, push_to)
    return Composition(
        name,
        base.name,
        up.source,
        url,
        company.branch,
        oid,
        tuple(release.parents_of(base, before)) if notes else (),
        draft.effects,
        draft.own,
        tuple(cover for cover in draft.reach if cover.rules),
        fresh.uncovered(company, draft.reach),
        len(draft.rows.all),
        notes,
        new=bool(notes),
        done=bool(notes and push_to),
        warnings=warnings,
        proofs=proofs,
        unproven=unproven,
        forbidden=draft.forbidden,
    )


def proven(
    up: Upstream,
    base: Version,
    draft: Draft,
    checks: str,
    talk: Talk,
    *,
    must: bool,
) -> tuple[tuple[Proof, ...], str]:
    """The factories that passed their own checks; without any, why not. Unless it `must`, that
    packages cannot be had is no error."""
    if checks == proof.NONE:
        return (), "--checks none"
    if not choice.may_run(up, base.commit):
        return (), FOREIGN.format(up.source)
    rows = questions.real(draft.rows, few=checks == proof.FEW)
    try:
        proofs = proof.prove(draft.files, rows, talk)
    except proof.NoPackagesError as error:
        if must:
            raise
        return (), error.message
    return proofs, "" if proofs else proof.PLAIN


@dataclass(frozen=True)
class Proposal:
    """The release that company.yml named, the one that it names now, and what that makes."""

    before: str
    release: str
    composition: Composition

    @property
    def summary(self) -> str:
        """What a person reads before it is merged."""
        result = self.composition
        if self.before == self.release:
            return f"company.yml names {self.release} already, the newest release"
        notes = "\n".join(f"look at this: {text}" for text in result.warnings)
        return "\n\n".join(filter(None, [result.summary, notes, result.changelog])).strip()


def propose(path: Path, talk: Talk, checks: str = proof.FEW) -> Proposal:
    """Write upstream's newest release into company.yml, once it composes; nothing is pushed.

    Raises MlfactoryError, and leaves the file as it is, where the company's part does not fit it.
    """
    company = reading.read(path)
    version = newest(published.template(company.upstream))
    result = compose(path, talk, on=version, dry_run=True, checks=checks)
    if version != company.release:
        reading.write(path, reading.with_release(company.text, version))
    return Proposal(company.release, version, result)


def newest(up: Upstream) -> str:
    """The newest release of upstream's own."""
    releases = repository.stable(up.tags, up.prefix)
    if not releases:
        raise UsageError(f"the template {up.source} has no released version", "Give --on VERSION.")
    return releases[-1]


def drafted(
    company: Company, up: Upstream, base: Version, before: Lineage | None, talk: Talk
) -> Draft:
    """Lay the company's part over a release, apply its rules, and try every combination."""
    upstream = lineage.files_of(up, base.commit)
    plain = trials.layout(upstream)
    root = f"{plain.folder}/"
    asking = overlay.with_questions(company, upstream, plain.questions)
    whole = {**plain.questions, **questions.merge(company.questions, plain.questions)}
    questions.refuse_strange(whole, company.combinations)
    with talk.step("Look at the release"):
        rows, forbidden = trials.rows_of(asking, whole, company)
        names = trials.names(asking, root, rows.all)
    own = overlay.lay(company, asking, names, root)
    files, effects = rules.apply_all(company.rules, own.files, own.names)
    with talk.step(f"Render all {len(rows.all)} combinations of answers"):
        notes = rows.never + trials.try_all(files, rows.all)
    notes += questions.shadows(company.questions, plain.questions)
    notes += tuple(IDLE.format(effect.name) for effect in effects if effect.idle)
    reach = tuple[Cover, ...]()
    if one := fresh.step(up, before, base, asking, names):
        reach = fresh.covers(one, own, effects)
        notes += tuple(fresh.notes(company, one, own))
    return Draft(files, own.own, effects, reach, rows, forbidden, notes)


def finish(
    company: Company,
    up: Upstream,
    base: Version,
    before: Lineage | None,
    draft: Draft,
    push_to: str,
) -> tuple[str, str, str]:
    """The name, the commit and the notes of a draft's version; without an address it is not
    pushed, and one that is there already is not made again."""
    files = {**draft.files, **overlay.provenance(company)}
    line = before or lineage.NONE
    name = line.next(base)
    notes = release.section(company, name, up, base, before)
    if before and before.last and is_there(company, base, before, draft):
        return before.last.name, before.last.commit, ""
    files[overlay.CHANGELOG] = File(overlay.PLAIN, release.history(notes, before).encode())
    seconds = release.moment(up, base, before, line.counts.get(base.name, 0) + 1)
    parents = release.parents_of(base, before)
    with release.workshop(up, before) as folder:
        message = f"{company.name} {name}\n\n{notes}"
        oid = release.commit(folder, files, message, seconds, parents)
        if before and push_to:
            release.push(folder, push_to, name, company.branch, oid, before)
    return name, oid, notes


def is_there(company: Company, base: Version, before: Lineage | None, draft: Draft) -> bool:
    """Whether the company's last version is the same, and on the same release."""
    files = {**draft.files, **overlay.provenance(company)}
    return before is not None and before.base == base and release.is_same(files, before)


def warnings_of(
    up: Upstream, base: Version, before: Lineage | None, url: str, draft: Draft
) -> tuple[str, ...]:
    """What is odd, and no error."""
    number = repository.number(base.name)
    trial = number is not None and number.is_prerelease
    raw = before.raw if before else ()
    texts = [NOT_RELEASED.format(base.name)] if trial else []
    texts += filter(None, [lineage.moved(up, before)] if before else [])
    texts += [RAW.format(url, ", ".join(raw), url, " ".join(raw))] if raw else []
    return (*texts, *draft.notes)
