"""Putting a version on a stage, and going back: a record for people and programs, and a tag.

Where a CI stands, promotion is a reviewed change: the record is proposed on a branch, and the tag
is made when it is merged. Without one, both are made at once, here.
"""

import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from ..errors import FactoryError
from ..files import pretty
from ..forge.review import Review
from ..git import commit_files, commit_of, git, identity, set_refs, tag_object, tries
from ..languages import ENGLISH, writing_in
from ..learn.looks import looks, looks_text
from ..organisation import approving
from ..project import COMPARISON, Project
from ..records.comparison import Comparison, Short
from ..records.record import read
from ..records.registry import Applied, Check, Promoted, Promotion
from .anchor import anchor
from .approval import is_own, origins, review_of_record
from .artifact import version as name_of
from .catalog import write_catalog
from .hand_over import run
from .models import facts, message_json
from .promotions import BILL, PROMOTIONS, former, is_record, number_of, record_files, record_in
from .register import apart
from .resolve import Registered, resolve
from .sbom import content
from .tags import Tag, folder_of, full_name, line_of, next_stage_tag, registered, stages, tags
from .truth import AGAIN, check_record

Measure = Callable[[Project, Registered, Registered], Comparison]


def promote(
    project: Project,
    version: str,
    stage: str,
    measure: Measure,
    *,
    force: bool = False,
    why: str = "",
    approver: str = "",
) -> Promoted:
    """Put a version on a stage, or propose it. FactoryError unless it is proven, or forced.

    Anybody can edit a file that says so: what speaks for the version is measured again.
    """
    current, version = stages(project).get(stage), full_name(version)
    settle(project)
    if current and current.version == version:
        write_catalog(project)
        return Promoted(stage=stage, version=version, changed=False, tag=current.tag)
    if force and not why:
        raise FactoryError("--force is written down with its reason", '--why "the reason"')
    model = resolve(project, registered(project, version).version)
    record = draft(project, stage, model, current, "promotion", why)
    if open_branch := proposed(project, stage, version, record.before):
        return Promoted(stage=stage, version=version, changed=False, branch=open_branch)
    compared, doubts = comparison(project, current, model), tuple[str, ...]()
    if current and compared and compared.verdict == "better":
        compared, doubts = again(project, current, model, measure)
    check = checked(project, model)
    problems = (*(doubts or unproven(record, current, compared)), *check.errors)
    if problems and not force:
        more = f" (and {len(problems) - 1} more)" if problems[1:] else ""
        step = f"`factory compare {stage} {version}`" if current else "register it anew"
        hint = f"mend it, and {step}; or promote with --force --why"
        raise FactoryError(f"{version} cannot go to {stage}: {problems[0]}{more}", hint)
    short = compared.short() if compared else None
    decided = {"comparison": short, "check": check, "problems": problems, "forced": bool(problems)}
    record = record.model_copy(update=decided)
    bill = content(project, model)
    return keep(project, record, approver, bill, at_once=not has_ci(project))


def rollback(project: Project, why: str = "", approver: str = "") -> Promoted:
    """Put back into production what was there before, at once."""
    settle(project)
    line = line_of(project, "prod")
    if len(line) < 2:
        what = f" before {line[0].version}" if line else " yet"
        raise FactoryError(f"nothing was in production{what}", "factory models")
    model = resolve(project, line[-2].version)
    return keep(
        project, draft(project, "prod", model, line[-1], "rollback", why), approver, at_once=True
    )


def draft(
    project: Project, stage: str, model: Registered, current: Tag | None, kind: str, why: str
) -> Promotion:
    """What every record says."""
    evaluated = facts(project, str(model.commit))
    if not evaluated.metrics:
        raise FactoryError(f"{model.label} has no reports/evaluation.json", "dvc repro, register")
    return Promotion(
        kind=kind,
        stage=stage,
        version=model.version or "",
        before=current.version if current else None,
        model=name_of(model.model),
        why=why,
        looks=looks(project),
        proposed_by=identity(project.root).rpartition(" ")[0].rpartition(" ")[0],
        proposed_at=datetime.now(UTC).isoformat(timespec="seconds"),
        **dict(evaluated),
    )


def comparison(project: Project, current: Tag | None, model: Registered) -> Comparison | None:
    """The last comparison made here, if it is of what the stage holds, as A, with this, as B."""
    compared = read(Comparison, project.root / COMPARISON)
    if not current or not compared:
        return None
    names = name_of(resolve(project, current.version).model), name_of(model.model)
    return compared if names == (compared.a.model, compared.b.model) else None


def again(
    project: Project, current: Tag, model: Registered, measure: Measure
) -> tuple[Comparison | None, tuple[str, ...]]:
    """The comparison as it is now, and why there is none; the verdict may be another one."""
    try:
        return measure(project, resolve(project, current.version), model), ()
    except FactoryError as error:
        why = f"its comparison with {current.version} cannot be made again: {error.message}"
        return None, (why,)


def unproven(
    record: Promotion, current: Tag | None, compared: Comparison | Short | None
) -> Iterator[str]:
    """Why the version is not known to be better than what the stage holds, or than nothing."""
    if not current:
        if record.verdict != "accepted":
            yield f"it is {record.verdict}: {record.reason}"
    elif not compared:
        yield f"{COMPARISON} does not compare {current.version} with it"
    elif compared.verdict != "better":
        yield f"compared with {current.version} it is {compared.verdict}: {compared.reason}"


def checked(project: Project, model: Registered) -> Check:
    """What `factory check --strict` of the version itself says, on its data if they are at hand."""
    for pointer in (model.root / "data").rglob("*.dvc"):
        here = project.root / pointer.relative_to(model.root)
        there = pointer.with_suffix("")
        same = here.is_file() and here.read_bytes() == pointer.read_bytes()
        if same and not os.path.lexists(there):
            there.symlink_to(here.with_suffix(""))
    outcome = run(project, model, ["check", "--strict", "--json"])
    try:
        findings = json.loads(outcome.stdout)["findings"]
    except ValueError:
        reason = (outcome.stderr.strip() or "nothing").splitlines()[-1]
        return Check(errors=(f"`factory check --strict` says: {reason}",), warnings=())
    lines: dict[str, list[str]] = {"error": [], "warning": []}
    for one in findings:
        lines[one["level"]].append(f"{one['feature'] or 'features.yaml'}: {one['message']}")
    return Check(errors=tuple(lines["error"]), warnings=tuple(lines["warning"]))


def has_ci(project: Project) -> bool:
    """Whether tags are made by a CI when a record is merged."""
    return bool(project.answers.get("ci", "none") != "none")


def base(project: Project) -> str:
    """What a proposal is made on: the main branch as the remote has it, or what stands here."""
    here = commit_of(project.root, "HEAD")
    main = (
        tries(project.root, "rev-parse", "--verify", "--quiet", "origin/HEAD^{commit}")
        if has_ci(project)
        else ""
    )
    return main or here


def proposed(project: Project, stage: str, version: str, before: str | None) -> str:
    """The branch on which this was proposed, and not merged, yet."""
    branch = branch_of(project, "promote", stage, version)
    names = tries(
        project.root,
        "diff",
        "--name-only",
        "--relative",
        f"{base(project)}...{branch}",
        "--",
        "promotions",
    )
    for name in names.splitlines():
        if is_record(name):
            record = message_json(tries(project.root, "show", f"{branch}:./{name}"))
            if (record.get("version"), record.get("from")) == (version, before):
                return branch
    return ""


def branch_of(project: Project, kind: str, stage: str, version: str) -> str:
    """The branch of a proposal; factories that share a repository do not share it."""
    return "/".join(filter(None, [kind, folder_of(project), f"{stage}-{version}"]))


def keep(
    project: Project, record: Promotion, approver: str, bill: str = "", *, at_once: bool
) -> Promoted:
    """Commit the record, with the version's bill of materials if that is given; with `at_once`
    make the tag, too: both or neither.
    """
    parent, stage, version = base(project), record.stage, record.version
    name = f"{stage}-{next_number(project, parent):04}-{version}"
    approved = (approver or record.proposed_by) if at_once else None
    held_on = {"former": former(project, parent), "trail": anchor(project)}
    record = record.model_copy(update={"record": name, "approved_by": approved, **held_on})
    files = {
        f"{PROMOTIONS}/{name}.json": pretty(record.model_dump()),
        f"{PROMOTIONS}/{name}.md": page(record, project.params.report.language),
        **({f"{PROMOTIONS}/{name}{BILL}": bill} if bill else {}),
    }
    commit = commit_files(
        project.root, files, f"{record.kind.capitalize()}: {version} to {stage}", parent
    )
    kind = "rollback" if at_once else "promote"
    branch = branch_of(project, kind, stage, version) if has_ci(project) else ""
    changes = [
        f"update refs/heads/{branch} {commit}" if branch else f"update HEAD {commit} {parent}"
    ]
    tag = ""
    if at_once:
        tag, change = tagged(project, record)
        changes.append(change)
    set_refs(
        project.root, *changes, hint="somebody else committed or promoted meanwhile: do it again"
    )
    if not branch:
        settle(project)
    write_catalog(project)
    return Promoted(
        stage=stage,
        version=version,
        before=record.before,
        record=name,
        forced=record.forced,
        changed=True,
        tag=tag,
        branch=branch,
        warnings=tuple(apart(project, record.commit)),
    )


def settle(project: Project) -> None:
    """Put into the work tree the records that the last commit has and that are not here: just now,
    or by a run that was killed in between."""
    missing = ("diff", "-z", "--cached", "--name-only", "--relative", "--diff-filter=D")
    names = git(project.root, *missing, "--", str(PROMOTIONS)).split("\0")
    files = [name for name in names if name and not (project.root / name).exists()]
    if files:
        git(project.root, "restore", "--source=HEAD", "--staged", "--worktree", "--", *files)


def next_number(project: Project, commit: str) -> int:
    """One more than any record or tag has."""
    names = tries(project.root, "ls-tree", "--name-only", commit, f"{PROMOTIONS}/").splitlines()
    numbers = [number_of(Path(name)) for name in names]
    return 1 + max([*numbers, *(one.number for one in tags(project))], default=0)


def tagged(project: Project, record: Promotion, fallback: str = "") -> tuple[str, str]:
    """The tag that puts the record's version on its stage, and the change of refs that makes it."""
    tag, at = next_stage_tag(project, record.stage)
    message = json.dumps(record.model_dump(), ensure_ascii=False)
    object_id = tag_object(
        project.root, tag, record.commit, message, identity(project.root, fallback, at)
    )
    return tag, f"create refs/tags/{tag} {object_id}"


def apply(project: Project, review_of: Callable[[str], Review | None]) -> Applied:
    """Make the tags of merged records that have none, in the records' order.

    Who approved a record is asked of the commits that brought it to this branch; where nobody can
    tell, it is who made the first of them.
    A record that was proposed against what the stage no longer holds is left out, and named.
    """
    applied = {str(message_json(one.message).get("record")) for one in tags(project) if one.stage}
    records = [record_in(file) for file in record_files(project) if file.stem not in applied]
    for record in records:
        check_record(project, record)
    new, stale, own = [], [], []
    for record in records:
        current = stages(project).get(record.stage)
        if (current.version if current else None) != record.before:
            stale.append(record.record)
            continue
        check_proof(project, record, current)
        review = review_of_record(project, record.record, review_of)
        if is_own(project, review):
            own.append(record.record)
            continue
        names = approving(review.names if review else "")
        approver = names or origins(project, record.record)[0][1]
        record = record.model_copy(update={"approved_by": approver})
        tag, change = tagged(project, record, "factory")
        set_refs(project.root, change, hint="git fetch --tags, and again")
        new.append(tag)
    write_catalog(project)
    return Applied(made=tuple(new), stale=tuple(stale), own=tuple(own))


def check_proof(project: Project, record: Promotion, current: Tag | None) -> None:
    """FactoryError for one that by its own words is not proven, and does not say that it is forced:
    no run of `factory promote` has written it. What a stage held before needs no proof."""
    is_way_back = any(one.commit == record.commit for one in line_of(project, record.stage))
    if record.forced or (record.kind == "rollback" and is_way_back):
        return
    errors = record.check.errors if record.check else ("it was not checked",)
    if doubts := [*unproven(record, current, record.comparison), *errors]:
        raise FactoryError(f"{record.record} is not forced, and {doubts[0]}", AGAIN)


def page(record: Promotion, language: str = ENGLISH) -> str:
    """The record for people."""
    from ..report.pages import environment
    from ..report.words import LABELS, label_of

    with writing_in(language):
        template = environment("promotion.md").get_template("promotion.md")
        labels = {name: label_of(name) for name in LABELS}
        return template.render(
            dict(record), from_version=record.before, labels=labels, looks_text=looks_text
        )
