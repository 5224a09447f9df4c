"""What people see of the ways in and out: adopt, extract, and templates that are imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import console

if TYPE_CHECKING:
    from mlfactory.adopt.conversion import Import
    from mlfactory.adopt.request import Report


def show_adoption(report: Report) -> None:
    """Each file and its fate, what differs, and what is left to do."""
    for fit in report.fits:
        console.show_line(
            f"{fit.version:<12} {fit.share:7.1%}  {fit.same} of {fit.files} files are the same"
        )
    for file in report.files:
        console.show_line(f"{file.state:<26} {file.path}")
    for file in report.files:
        if file.diff:
            console.show_text(f"\n{file.diff}")
    for number, task in enumerate(report.todo, 1):
        console.show_line(f"{number:>2}. {task.about}: {task.text}")
    for text in report.warnings:
        console.line("warning", "yellow", text)
    if report.state in ("adopted", "linked"):
        console.line("done", "green", f"{report.state}, on the branch {report.branch}")
    for command in report.next:
        console.line("next", "cyan", command)


def show_import(report: Import) -> None:
    """What became of a template, what its hooks did, and whether both render the same."""
    console.show_line(f"{report.files} files; asked: {', '.join(report.questions)}")
    if report.computed:
        console.show_line(f"computed: {', '.join(report.computed)}")
    for one in report.hooks:
        console.show_line(f"{one.file}:{one.line} {one.what}: {one.code}")
        console.show_line(f"    instead: {one.instead}")
    for rest in report.leftovers:
        console.show_line(f"{rest.file}:{rest.line} copier does not know {rest.word!r}")
    for values, path, how in report.proof.differences:
        console.show_line(f"differs with {values}: {path}: {how}")
    if report.proof.error:
        console.line("warning", "yellow", f"not compared: {report.proof.error}")
    elif report.proof.is_equal:
        text = f"both render the same, with {report.proof.cases} sets of answers"
        console.line("done", "green", text)
    console.line("next", "cyan", f"cd {report.path} && git init && git add --all && git commit")
