"""The image of a version, made by docker from that version's own files."""

import json
import os
import re
from dataclasses import dataclass

from ..errors import FactoryError
from ..programs import output
from ..project import Project
from ..registry.resolve import Registered
from ..registry.tags import artifact

USER_ENV, PASSWORD_ENV = "FACTORY_REGISTRY_USER", "FACTORY_REGISTRY_PASSWORD"
FILE, PROGRAM = "Dockerfile", "docker"
HINT = "does docker run here, and may it push? docs/runbook.md, A release fails"


@dataclass(frozen=True)
class Image:
    """An image by the name that it is pulled by, and by its content: `sha256:…`."""

    name: str
    digest: str


def build_image(project: Project, version: Registered) -> Image | None:
    """Build it, and push it where `release.image` says; None for a version without a Dockerfile.

    What stands in the work tree plays no part.
    """
    if not (version.root / FILE).is_file():
        return None
    place = project.params.release.image
    name = f"{place or re.sub('[^a-z0-9._/-]', '/', artifact(project))}:{version.version}"
    labels = {"version": version.version, "revision": version.commit}
    options = [f"--label=org.opencontainers.image.{key}={value}" for key, value in labels.items()]
    docker(version, "build", "--pull", *options, f"--tag={name}", ".")
    if not place:
        return Image(name, docker(version, "image", "inspect", "--format={{.Id}}", name))
    log_in(version, place)
    docker(version, "push", name)
    text = docker(version, "image", "inspect", "--format={{json .RepoDigests}}", name)
    short = re.sub(r"^(index\.)?docker\.io/(library/)?", "", place)  # as docker names its own hub's
    pairs = (one.partition("@") for one in json.loads(text))
    digests = {digest for label, _, digest in pairs if label in (place, short)}
    if len(digests) != 1:
        raise FactoryError(f"docker does not say by which digest {place} holds {name}", HINT)
    digest = digests.pop()
    return Image(f"{place}@{digest}", digest)


def log_in(version: Registered, place: str) -> None:
    """With what the environment holds; without it docker uses what it knows."""
    if password := os.environ.get(PASSWORD_ENV):
        user, host = os.environ.get(USER_ENV, ""), place.partition("/")[0]
        docker(version, "login", "--username", user, "--password-stdin", host, stdin=password)


def docker(version: Registered, *argv: str, stdin: str = "") -> str:
    """What docker prints, run in the version's folder."""
    return output(version.root, PROGRAM, *argv, hint=HINT, stdin=stdin).decode().strip()
