"""What is looked at around an update: the lock, and a quick check before and after."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlfactory.base import answers, git, index, process, uv
from mlfactory.base.errors import MlfactoryError, UsageError
from mlfactory.base.git import Repository
from mlfactory.base.objects import text_at
from mlfactory.base.talk import Talk
from mlfactory.project.record import Project

UNTRUSTED = "the template is not mlfactory's own and not trusted, so nothing of it was run"
LOCK, SECONDS = "uv.lock", 900
ANY = range(-64, 256)  # below zero: ended by a signal


@dataclass(frozen=True)
class CheckResult:
    """What a check finds: faults, and what it warns of. The same has the same text every time."""

    failures: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def news(self, before: CheckResult) -> CheckResult:
        """What was not found before."""
        return CheckResult(
            tuple(text for text in self.failures if text not in before.failures),
            tuple(text for text in self.warnings if text not in before.warnings),
        )


def look(
    project: Project, check: str | None, talk: Talk, title: str, *, trusted: bool = True
) -> CheckResult:
    """What a quick check finds.

    `check` is a command of the user's; None means the factory's own, an empty text none at all.
    The factory's own runs code of the template, and so only of one that is trusted.
    """
    own_check = trusted and has_own_check(project)
    if check == "" or (check is None and not own_check):
        return CheckResult()
    with talk.step(title):
        return own(project) if check is None else users(project, check)


def look_again(
    project: Project, check: str | None, talk: Talk, before: CheckResult, *, trusted: bool = True
) -> CheckResult:
    """What is found after the update and was not before; a check that gets stuck is a fault."""
    try:
        after = look(project, check, talk, "Check after the update", trusted=trusted)
    except MlfactoryError as error:
        after = CheckResult((error.message.splitlines()[0],))
    return after.news(before)


def has_own_check(project: Project) -> bool:
    """Whether it is a factory with an environment in which `factory check` can run."""
    there = is_factory(project) and program(project, "factory").is_file()
    return there and not uv.is_committed(project.path)


def is_factory(project: Project) -> bool:
    text = text_at(project.repository, "HEAD", f"{project.prefix}pyproject.toml")
    return "contract" in answers.tool_table(text, "mlfactory")


def program(project: Project, name: str) -> Path:
    return project.path / ".venv" / "bin" / name


def own(project: Project) -> CheckResult:
    """What `factory check` finds; a warning with its remedy, which may be a command."""
    result = run(project, [str(program(project, "factory")), "check", "--json"])
    try:
        findings = json.loads(result.out)["findings"]
    except (ValueError, KeyError, TypeError):
        last = (result.err.strip() or result.out.strip() or f"code {result.code}").splitlines()[-1]
        return CheckResult((f"factory check: {last}",))
    by_level = {"error": list[str](), "warning": list[str]()}
    for one in findings:
        text = f"{one.get('feature') or 'factory check'}: {one.get('message')}"
        is_error = one.get("level") == "error"
        by_level["error" if is_error else "warning"] += [
            text if is_error else with_remedy(text, one)
        ]
    return CheckResult(tuple(by_level["error"]), tuple(by_level["warning"]))


def with_remedy(text: str, finding: dict[str, Any]) -> str:
    remedy = finding.get("remedy")
    return f"{text}. Next: {remedy}" if remedy else text


def users(project: Project, command: str) -> CheckResult:
    """Whether the user's own command fails."""
    try:
        argv = shlex.split(command)
    except ValueError as error:
        raise UsageError(f"--check-command cannot be read: {error}") from error
    result = run(project, argv)
    return CheckResult((f"`{command}` ends with code {result.code}",) if result.code else ())


def run(project: Project, argv: list[str]) -> process.Result:
    env = {**uv.environment(project.path), "DVC_NO_ANALYTICS": "1"}
    return process.run_whole(argv, project.path, env, timeout=SECONDS, ok=ANY)


def omission(project: Project, check: str | None, *, trusted: bool) -> tuple[str, ...]:
    """What is said of the factory's own check when it was left out."""
    if trusted or check is not None or not has_own_check(project):
        return ()
    return (f"{UNTRUSTED}: look at the commit, then: factory check",)


def relock(project: Project, before: str, talk: Talk, *, trusted: bool = True) -> tuple[str, ...]:
    """Renew uv.lock when the packages changed, and amend it into the update's commit.

    An environment that is there follows it. A lock that fails is a warning. To lock, uv asks the
    build programs that a version brings, and so only of a template that is trusted.
    """
    lock = project.spec(LOCK)
    repository = project.repository
    argv = ("diff", "--quiet", before, "HEAD", "--", project.spec("pyproject.toml"))
    differs = repository.run(*argv, ok=(0, 1)).code
    if not differs or not repository.run("ls-files", "--", lock).out:
        return ()
    if not trusted:
        later = f"look at the commit, then: uv lock && git commit {LOCK}"
        return (f"{LOCK} is not renewed: {UNTRUSTED}; {later}",)
    lock_only = not program(project, "python").exists()
    try:
        with talk.step("Lock the packages" if lock_only else "Lock and install the packages"):
            notes = uv.install(project.path, lock_only=lock_only)
    except MlfactoryError as error:
        last = error.message.strip().splitlines()[-1].strip()
        notes = (f"{LOCK} is not renewed: {last}. Later: uv lock && git commit uv.lock",)
    amend(repository, lock)
    return notes


def amend(repository: Repository, spec: str) -> None:
    """Take a changed file into the last commit, past all hooks."""
    if repository.run("diff", "--quiet", "--", spec, ok=(0, 1)).code:
        argv = ("commit", "--quiet", "--amend", "--no-edit", "--no-verify", "--", spec)
        with index.hold(repository) as mine:
            mine.run(*argv, hint=git.SIGNING)
