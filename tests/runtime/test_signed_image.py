"""An image of a factory whose models are signed: what it copies is verified before it serves."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from mlfactory_runtime import errors
from mlfactory_runtime.learn.keys import KEYS_ENV
from mlfactory_runtime.learn.manifest import save_manifest
from mlfactory_runtime.project import MODEL, Project
from mlfactory_runtime.serving.app import make_service
from mlfactory_runtime.testing.trained import Trained

from ..conftest import ROOT
from .factories import SKELETON, Factory
from .services import online

DOCKERFILE = next(SKELETON.glob("*online*Dockerfile*")).read_text("utf-8")
PAGE = (ROOT / "docs/how-to/sign-a-model.md").read_text("utf-8")


def image(home: Path, folder: Path, more: list[str]) -> Path:
    """The folder that the last stage of the Dockerfile makes, with further lines."""
    own = re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE[DOCKERFILE.rindex("\nFROM ") :], re.M)
    for line in (*own, *more):
        *names, place = line.split()
        for name in names:
            goal = folder / place / name if place == "./" else folder / place
            goal.parent.mkdir(parents=True, exist_ok=True)
            copy = shutil.copytree if (home / name).is_dir() else shutil.copy
            copy(home / name, goal)
    return folder


def test_what_no_key_of_the_one_who_runs_it_has_signed_is_not_served(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    online(trained, home)
    factory = Factory(home)
    for name in ("release", "stranger"):
        factory.run("signing", "key", str(tmp_path / f"{name}.key"))
    factory.run("signing", "sign", "--key", str(tmp_path / "release.key"))
    (lines,) = re.findall(r"`COPY (models/model\.sig models/model\.sig)`", PAGE)
    assert "`!models/model.sig`" in PAGE

    def serve(folder: Path, key: str) -> None:
        monkeypatch.setenv(KEYS_ENV, str(home / f"keys/{key}.pem"))  # as a volume holds it
        make_service(Project(folder), folder / MODEL)

    whole = image(home, tmp_path / "whole", [lines])
    serve(whole, "release")
    with pytest.raises(errors.FactoryError, match="by none of the keys"):
        serve(whole, "stranger")
    with pytest.raises(errors.FactoryError, match="is not signed"):
        serve(image(home, tmp_path / "without", []), "release")
    signature = whole / MODEL / "signature.json"
    signature.write_text(f"{signature.read_text('utf-8')} ", "utf-8")
    save_manifest(whole / MODEL)
    with pytest.raises(errors.FactoryError, match="is not what release signed"):
        serve(whole, "release")
