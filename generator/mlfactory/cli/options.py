"""Options that several commands have."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

Target = Annotated[str | None, typer.Option(metavar="COLUMN", help="The column to predict.")]
Identifier = Annotated[
    str | None, typer.Option("--id", metavar="COLUMN", help="The column that names a row.")
]
Task = Annotated[
    Literal["auto", "classification", "regression"],
    typer.Option(help="What is predicted; auto looks at the target."),
]
Remote = Annotated[str | None, typer.Option(metavar="URL", help="DVC remote for data and models.")]
Owner = Annotated[str | None, typer.Option(help="Who answers for the factory.")]
Setting = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="QUESTION=VALUE", help="Answer any question; repeatable."),
]
NoTrain = Annotated[bool, typer.Option("--no-train", help="Stop before training.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]


def by_question(**options: str | None) -> dict[str, str]:
    """The options that were typed, by the question they answer."""
    return {name: value for name, value in options.items() if value is not None}
