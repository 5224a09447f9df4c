"""What the job that releases does, part by part."""

from typing import Annotated, Literal

import typer

from .alert import alerting
from .forge import forge_app
from .page import publish
from .program import here, print_text, say

ENTRY = "a-release-fails"
Stage = Annotated[Literal["staging", "prod"], typer.Argument(help="The stage.")]


@forge_app.command("stages")
def due() -> None:
    """Print the stages that hold another version than was deployed there last."""
    from ..jobs.release import due

    print_text(" ".join(due(here())))


@forge_app.command()
def build(stage: Stage) -> None:
    """Build the image of what a stage holds, from that version's own commit: for a merged record,
    which somebody else than its author approved. Writes release.json and release.cdx.json."""
    from ..forge.place import forge_or_none
    from ..jobs.release import build

    project, place = here(), forge_or_none()
    with alerting(project, "release", ENTRY):
        result = build(project, stage, place.review if place else lambda _: None)
    image = (
        f"its image is `{result.image}` ({result.digest})" if result.image else "it has no image"
    )
    publish(f"{result.version} for {stage}: {image}. Approved by {result.approved_by}.")
    say(f"{result.version} for {stage}: {result.image or 'no image'}")


@forge_app.command()
def deploy() -> None:
    """Run the script that release.deploy names, for what release.json says was built."""
    from ..jobs.release import deploy

    project = here()
    with alerting(project, "release", ENTRY):
        result, text = deploy(project)
    if text:
        print_text(text)
    action = f"was deployed by `{result.script}`" if result.script else "is deployed by nobody here"
    publish(f"{result.version} {action}.")


@forge_app.command()
def record() -> None:
    """Push what was released to the branch `deployments`."""
    from ..jobs.release import publish as push

    branch = push(here())
    say(f"what was deployed stands on the branch {branch} of origin")
