"""The feature catalog, features.yaml, and the settings, params.yaml."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from ..errors import FactoryError
from .program import Json, app, here, print_json, print_text, say

catalog_app = typer.Typer(help="The feature catalog, features.yaml.", no_args_is_help=True)
app.add_typer(catalog_app, name="catalog")
params_app = typer.Typer(invoke_without_command=True)
app.add_typer(params_app, name="params")


@catalog_app.command()
def draft(as_json: Json = False) -> None:
    """Add the columns of the data that the catalog lacks. What you wrote stays as it is."""
    from ..draft.columns import draft

    result = draft(here())
    if as_json:
        content = {"decisions": result.decisions, "warnings": result.warnings}
        print_json({"columns": result.columns, **content})
        return
    for line in (*result.decisions, *(f"warning: {text}" for text in result.warnings)):
        say(line)
    say(f"{result.columns} columns added to features.yaml")


@catalog_app.command()
def show(
    names: Annotated[list[str] | None, typer.Argument()] = None, as_json: Json = False
) -> None:
    """What each column is, and why."""
    from ..draft.review import line_of

    catalog = here().catalog
    if unknown := [name for name in names or () if name not in catalog.columns]:
        raise FactoryError(f"features.yaml has no column {unknown[0]!r}", "factory catalog show")
    lines = [line_of(n, column) for n, column in catalog.columns.items() if not names or n in names]
    if as_json:
        print_json({"columns": lines})
        return
    for line in lines:
        name, why = line.pop("column"), line.pop("why")
        facts = ", ".join(fact for fact in line.values() if fact and fact != "none")
        print_text(f"{name}: {facts}\n    {why}")


@catalog_app.command()
def review(as_json: Json = False) -> None:
    """Decide on what is suspect or assumed, the most important column first."""
    from ..draft.review import Question, pending, review

    project = here()
    questions = pending(project)
    if as_json:
        print_json({"pending": [question.json() for question in questions]})
        return

    def ask(question: Question) -> str:
        weight = (
            "" if question.importance is None else f" ({question.importance:.0%} of importance)"
        )
        say(f"\n{question.name}{weight}: {question.column.drafted}")
        if question.kind == "suspect":
            say(f"  suspect: {question.column.suspect}")
        say(f"  it is said to be available: {question.column.availability}")
        prompt = "  known [o]nline, in [b]atch, only [a]fter the outcome; [i]gnore, [q]uit"
        prompt += "" if question.kind == "suspect" else "; b* for all that follow"
        return str(typer.prompt(prompt, default="", show_default=False, err=True))

    answers = review(project, ask, say)
    rest = len(pending(here()))  # with the catalog as it is now
    say(f"{answers} answered, {rest} left; `dvc repro` trains with them")


@params_app.callback()
def params(context: typer.Context, as_json: Json = False) -> None:
    """All settings of params.yaml: what each means, its value and its default."""
    from ..project import PARAMS
    from ..settings.explain import settings
    from ..settings.params import load_params

    if context.invoked_subcommand:
        return
    entries = settings(load_params(here().root / PARAMS))
    if as_json:
        print_json({"settings": [asdict(one) for one in entries]})
        return
    for one in entries:
        value, default = (json.dumps(v, ensure_ascii=False) for v in (one.value, one.default))
        usual = "" if one.required or value == default else f"   (default: {default})"
        print_text(f"{one.name}: {value}{usual}\n    {one.meaning}")


@params_app.command()
def add(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show them, change nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Write the settings that params.yaml does not name into it, each with its default."""
    from ..project import PARAMS
    from ..settings.edit import add_settings

    new = add_settings(here().root / PARAMS, dry_run=dry_run)
    if as_json:
        settings = [{"name": s.name, "value": s.value, "meaning": s.meaning} for s in new]
        print_json({"added": settings, "changed": bool(new) and not dry_run})
        return
    for one in new:
        print_text(f"{one.name}: {json.dumps(one.value)}\n    {one.meaning}")
    text = f"{len(new)} settings {'would be ' if dry_run else ''}added with their defaults"
    say(f"{text}; the model stays the same" if new else "params.yaml names every setting")
