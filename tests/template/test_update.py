"""A factory takes an improvement of the template through plain copier."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from mlfactory.base import origin
from mlfactory.template.history import HISTORY, releases_in

from ..customers import customers
from .conftest import SCRIPTS, Factory, execute
from .test_evolution import BEFORE_LIBRARY

pytestmark = pytest.mark.xdist_group("lab")


def template_with(change: str, folder: Path, env: dict[str, str]) -> Path:
    """The template as a team's own repository: its releases, then one that changes a line."""
    bare = folder / "released"
    execute(("git", "clone", "--quiet", "mlfactory::template", str(bare)), folder, env)
    runbook = bare / "template/project/docs/runbook.md.jinja"
    runbook.write_text(runbook.read_text("utf-8") + change, "utf-8")
    execute(("git", "commit", "--quiet", "--all", "--message", "more advice"), bare, env)
    execute(("git", "tag", "v99.0.0"), bare, env)
    return bare


def test_copier_update_brings_a_newer_template_and_keeps_what_is_yours(
    lab: Factory, tmp_path: Path
) -> None:
    newer = template_with("\n## One more thing\n\nRead it.\n", tmp_path, lab.env)
    answers = lab.text(".copier-answers.yml")
    lab.write(
        ".copier-answers.yml",
        "\n".join(
            f"_src_path: {newer}" if line.startswith("_src_path") else
            f"_commit: v{releases_in(HISTORY).versions[-1]}" if line.startswith("_commit") else line
            for line in answers.splitlines()
        ) + "\n",
    )  # fmt: skip
    lab.write("README.md", lab.text("README.md") + "\nA line of ours.\n")
    lab.write("params.yaml", lab.text("params.yaml").replace("num_leaves: 31", "num_leaves: 15"))
    lab.run("git", "commit", "--quiet", "--no-verify", "--all", "--message", "ours")
    lab.run(str(SCRIPTS / "copier"), "update", "--defaults", "--quiet")
    assert "One more thing" in lab.text("docs/runbook.md")
    assert "A line of ours." in lab.text("README.md")
    assert "num_leaves: 15" in lab.text("params.yaml")
    assert "_commit: v99.0.0" in lab.text(".copier-answers.yml")
    lab.run("factory", "check")


@pytest.mark.parametrize("target", ["churned", "revenue"])
@pytest.mark.parametrize("version", releases_in(HISTORY).versions)
def test_settings_and_catalog_of_every_release_hold_under_todays_code(
    version: str, target: str, _lab: Factory, tmp_path: Path
) -> None:
    old = drafted_by(version, target, _lab, tmp_path)
    own, settings = old.text("params.yaml"), old.json("factory", "params", "--json")

    old.run("factory", "params", "add")

    assert old.json("factory", "params", "--json") == settings
    lines = iter(old.text("params.yaml").splitlines())
    assert all(line in lines for line in own.splitlines())
    assert old.json("factory", "params", "add", "--json") == {"added": [], "changed": False}
    assert old.json("factory", "check", "--json")["ok"]


def drafted_by(version: str, target: str, today: Factory, folder: Path) -> Factory:
    """A factory as a release made it, whose library and programs are today's from here on."""
    goals = [name for name in ("churned", "revenue", "segment") if name != target]
    customers(300).drop(goals).write_csv(folder / "customers.csv")
    options = ("--target", target, "--id", "customer id", "--ci", "none", "--no-setup")
    argv = ("new", "churn", "--data", "customers.csv", "--ref", version, "--defaults", *options)
    execute((str(SCRIPTS / "mlfactory"), *argv), folder, today.env)
    (folder / "churn/.venv").symlink_to(today.path / ".venv")
    draft = draft_by_package if version in BEFORE_LIBRARY else draft_by_library
    draft(folder / "churn", today)
    return Factory(folder / "churn", today.env)


def draft_by_library(place: Path, today: Factory) -> None:
    """As the wheel does that stands in the factory."""
    (wheel,) = place.glob("vendor/*.whl")
    shutil.unpack_archive(wheel, place.parent / "library", "zip")
    old = Factory(place, {**today.env, "PYTHONPATH": str(place.parent / "library")})
    program = "import mlfactory_runtime as library; print(library.__file__)"
    assert old.run("python", "-c", program).stdout.startswith(str(place.parent))
    old.run("factory", "catalog", "draft")


def draft_by_package(place: Path, today: Factory) -> None:
    """As the factory's own package does, until 0.3; then all of it but the user's files goes."""
    old = Factory(place, {**today.env, "PYTHONPATH": str(place / "src")})
    draft = "import churn.draft; churn.draft.draft(); print(churn.__file__)"
    assert old.run("python", "-c", draft).stdout.startswith(str(place.parent))
    package = place / "src/churn"
    for path in package.iterdir():
        if path.name not in ("features.py", "model.py"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.copy(today.path / "src/churn/__init__.py", package)


def test_check_update_works_offline_on_a_fresh_factory(lab: Factory) -> None:
    done = lab.run(str(SCRIPTS / "copier"), "check-update", "--output-format", "json")
    assert '"update_available": false' in done.stdout


def test_a_factory_of_a_newer_template_says_what_to_install(lab: Factory) -> None:
    answers = lab.text(".copier-answers.yml").splitlines()
    newer = ["_commit: v99.0.0" if line.startswith("_commit") else line for line in answers]
    lab.write(".copier-answers.yml", "\n".join(newer) + "\n")
    lab.run("git", "commit", "--quiet", "--no-verify", "--all", "--message", "from the future")
    done = lab.run(str(SCRIPTS / "copier"), "update", "--defaults", code=None)
    assert done.returncode != 0
    assert "99.0.0" in done.stderr
    assert origin.upgrade() in done.stderr


def test_copier_copy_of_the_template_source_needs_nothing_but_the_program(
    tmp_path: Path, env: dict[str, str]
) -> None:
    copier = str(SCRIPTS / "copier")
    offline = {**env, "PATH": f"{SCRIPTS}{os.pathsep}{os.defpath}", "https_proxy": "127.0.0.1:9"}
    argv = (copier, "copy", "--defaults", "--quiet", "git+mlfactory::template", "made")
    execute(argv, tmp_path, offline)
    assert "git+mlfactory::template" in (tmp_path / "made/.copier-answers.yml").read_text("utf-8")
    shutil.rmtree(tmp_path / "made")


def test_a_missing_program_is_named_with_the_command_that_installs_it(lab: Factory) -> None:
    bare = Factory(lab.path, {**lab.env, "PATH": os.defpath})
    done = bare.run(str(lab.path / ".venv/bin/factory"), "update", code=1)
    assert "hint: mlfactory update" in done.stderr
    assert "uv tool install ADDRESS" in done.stderr
