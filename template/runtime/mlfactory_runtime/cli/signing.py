"""Who has made a model: keys, signatures, and what a version consists of."""

from pathlib import Path
from typing import Annotated

import typer

from .models import KEY_ENV
from .program import Json, app, here, print_json, say

Folder = Annotated[str, typer.Argument(help="The folder of a model.")]

signing_app = typer.Typer(help="Whose a model is.", no_args_is_help=True)
app.add_typer(signing_app, name="signing")


@signing_app.command()
def key(file: Annotated[Path, typer.Argument(help="Outside of the repository.")]) -> None:
    """Make a key pair: the private key in FILE, the public one in keys/."""
    from ..learn.keys import make_pair

    project = here()
    public = project.relative(make_pair(project, file))
    say(f"{file} signs: keep it where nobody else reads it; {public} checks: commit it")
    say(f"next: add {public} to signing.keys in params.yaml")


@signing_app.command()
def sign(
    key: Annotated[Path, typer.Option(envvar=KEY_ENV, help="The file of the private key.")],
    folder: Folder = "models/model",
) -> None:
    """Sign a model that is in no version: the signature stands beside its folder."""
    from ..learn.signing import save, sign

    project = here()
    place = project.root / folder
    say(f"signed: {project.relative(save(sign(project, place, key), place))}")


@signing_app.command()
def verify(
    model: Annotated[str, typer.Argument(help="A stage, a version or a folder.")] = "models/model",
    as_json: Json = False,
) -> None:
    """Who has signed a model? Ends with 1 if it is none of the keys that are configured."""
    from ..errors import FactoryError
    from ..learn.signing import check_signed
    from ..registry.resolve import resolve

    project = here()
    name = check_signed(project, resolve(project, model).model)
    if name is None:
        raise FactoryError("no key is configured to check it with", "signing.keys in params.yaml")
    if as_json:
        print_json({"model": model, "signed_by": name})
    else:
        say(f"{model} is signed by {name}")


@app.command()
def sbom(
    version: str, file: Annotated[Path | None, typer.Argument(help="Else it is printed.")] = None
) -> None:
    """What a version consists of: model, data and packages as a CycloneDX bill of materials."""
    from ..predict.places import check_file
    from ..registry.sbom import sbom

    if file:
        check_file(here(), file, "{")
    bill = sbom(here(), version)
    if file is None:
        typer.echo(bill, nl=False)
        return
    file.write_text(bill, "utf-8")
    say(f"what {version} consists of stands in {file}")
