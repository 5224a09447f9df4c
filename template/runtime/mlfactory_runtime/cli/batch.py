"""Scoring on a schedule."""

from typing import TYPE_CHECKING

from ..errors import FactoryError
from ..visible import plain
from .alert import alerting
from .page import publish
from .program import Json, app, here, print_json, say

if TYPE_CHECKING:
    from ..jobs.batch import Batched


@app.command()
def batch(as_json: Json = False) -> None:
    """Score the files of batch.source that have no answers in batch.target yet, each once."""
    from ..jobs.batch import batch

    project = here()
    with alerting(project, "batch", "rows-cannot-be-scored"):
        result = batch(project)
        publish(page_of(result))
        if as_json:
            print_json(result.json())
        for one in result.files:
            if not one.error:
                say(f"{one.file}: {one.rows:,} rows scored, {one.invalid:,} could not be")
            if one.unlogged:
                say(f"warning: the rows of {one.file} are not in the log: {one.unlogged}")
        if broken := [one for one in result.files if one.error]:
            names = ", ".join(one.file for one in broken)
            raise FactoryError(f"{names} could not be scored: {broken[0].error}", "mend it there")
    if not result.files:
        say(f"nothing is new: {result.earlier:,} files have their answers")


def page_of(result: "Batched") -> str:
    """What was scored, for the page of a job."""
    if not result.files:
        return f"Nothing is new: {result.earlier:,} files have their answers."
    rows = (
        (plain(one.file), f"{one.rows:,}", f"{one.invalid:,}", plain(one.error or one.answers))
        for one in result.files
    )
    lines = (f"| {' | '.join(cells)} |" for cells in rows)
    return "\n".join(["| file | scored | in quarantine | answers |", "|---|---|---|---|", *lines])
