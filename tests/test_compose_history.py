"""A company's template on the releases that there really are, and its factories along them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from mlfactory.template import history

from .companies import COMPANY, HEADER, IMAGE, RUNNER, conventions
from .evolving import Repo, init, mlfactory

RELEASED = history.releases_in(history.HISTORY).versions
SLOTS = {
    "github": "- name: Trust our certificates\n  run: sudo update-ca-certificates",
    "gitlab": "- export SSL_CERT_FILE=/etc/acme.pem",
    "image-build": "ENV UV_DEFAULT_INDEX=https://packages.example.com/simple",
    "image": 'LABEL org.opencontainers.image.vendor="Acme"',
    "readme": "## At Acme\n\nCost centre {{ cost_centre }} pays.",
    "agents": "- Send data to a service outside of Acme.",
    "about": "## Cost\n\nCost centre {{ cost_centre }} pays.",
    "runbook": "## At Acme\n\nCost centre {{ cost_centre }} pays.",
    "request": "- [ ] the cost centre {{ cost_centre }} has agreed",
}
ANSWERS = ("--set", "cost_centre=CC-0042", "--defaults")


def compose(folder: Path, shop: Repo, *argv: str, **changes: Any) -> dict[str, Any]:
    file = conventions(folder, changes)
    argv = ("template", "compose", str(file), "--publish", str(shop.path), "--json", *argv)
    result: dict[str, Any] = json.loads(mlfactory(*argv).stdout)
    return result


def new(folder: Path, shop: Repo, version: str, **answers: str) -> Repo:
    settings = [part for pair in answers.items() for part in ("--set", "=".join(pair))]
    argv = ("new", folder, "--template", shop.path, "--ref", version, "--no-setup", *ANSWERS)
    mlfactory(*argv, *settings, cwd=folder.parent)
    return Repo(folder)


def holds_conventions(factory: Repo) -> None:
    """What the company asks for is in every file that it is about."""
    assert factory.text("SECURITY.md").startswith("Ask the security team of Acme.")
    assert factory.text("docs/cost.md") == "Cost centre CC-0042 pays.\n"
    lines = factory.git("grep", "-hE", "^FROM [^ ]*python:", code=None).splitlines()
    assert all(line.startswith(f"FROM {IMAGE}") for line in lines)
    runners = [*factory.path.glob(".github/workflows/*.yml")]
    texts = [text for file in runners if "runs-on:" in (text := file.read_text())]
    assert all(RUNNER in text and "ubuntu-2" not in text for text in texts)
    skip = ("runtime/", "src/") if factory.has("runtime") else ("src/",)
    python = [n for n in factory.git("ls-files", "*.py").split() if not n.startswith(skip)]
    assert python
    assert all(HEADER in factory.text(name).splitlines()[:2] for name in python)


def test_the_newest_template_takes_all_slots_and_renders_in_every_combination(
    tmp_path: Path,
) -> None:
    shop, newest = init(tmp_path / "shop.git", "--bare"), f"v{history.load().newest}"
    result = compose(tmp_path / "acme", shop, "--on", newest, "--checks", "none", slots=SLOTS)
    assert result["combinations"] >= 12
    assert not [text for text in result["warnings"] if "ruff" in text]
    follows = {"mlfactory_source": "mlfactory==0.5.0"}
    factory = new(tmp_path / "churn", shop, result["version"], serving="online", **follows)
    holds_conventions(factory)
    for name, steps in jobs_of(factory):
        at = [*steps].index("Trust our certificates")
        assert "astral-sh/setup-uv" in steps["uv"] and list(steps)[at - 1] == "uv", name
        assert "uv sync" in [*steps.values()][at + 1], name
    dockerfile = factory.text("Dockerfile")
    assert "AS build\nENV UV_DEFAULT_INDEX=" in dockerfile
    assert '\nLABEL org.opencontainers.image.vendor="Acme"\n# LightGBM' in dockerfile
    for name in ("README.md", "docs/about.md", "docs/runbook.md"):
        assert factory.text(name).endswith("\n\nCost centre CC-0042 pays.\n")
    assert factory.text("AGENTS.md").endswith("\n\n- Send data to a service outside of Acme.\n")
    elsewhere = new(tmp_path / "fraud", shop, result["version"], ci="gitlab", **follows)
    jobs = elsewhere.text(".gitlab/factory.yml")
    ours = "    - export SSL_CERT_FILE=/etc/acme.pem\n"
    parts = jobs.split("    - pip install --quiet")
    assert len(parts) > 2
    assert all(part.endswith(ours) for part in parts[:-1])
    pages = (".github/pull_request_template.md", ".gitlab/merge_request_templates/Default.md")
    for one, page in zip((factory, elsewhere), pages, strict=True):
        assert one.text(page).endswith("\n\n- [ ] the cost centre CC-0042 has agreed\n\n")


def jobs_of(factory: Repo) -> Iterator[tuple[str, dict[str, str]]]:
    """The steps of each job that installs packages, by their names, in their order."""
    for file in sorted(factory.path.glob(".github/workflows/*.yml")):
        for job in yaml.safe_load(file.read_text())["jobs"].values():
            steps = {
                "uv" if "setup-uv" in s.get("uses", "") else s.get("name", ""): json.dumps(s)
                for s in job.get("steps", ())
            }
            if "uv sync" in "".join(steps.values()):
                yield file.name, steps


@pytest.mark.slow
def test_what_is_published_has_passed_the_own_checks_of_factories_of_each_kind(
    tmp_path: Path,
) -> None:
    """Hooks, types, tests, contract and pipeline, with real packages: of batches and of services,
    for a class and for a number."""
    shop, newest = init(tmp_path / "shop.git", "--bare"), f"v{history.load().newest}"
    forge = {"ci": {"choices": {"GitHub Actions": "github"}, "default": "github"}}
    asked = {**COMPANY["questions"], **forge}
    argv = ("--on", newest, "--checks", "all")
    result = compose(tmp_path / "acme", shop, *argv, slots=SLOTS, questions=asked)
    kinds = [
        (task, way) for task in ("classification", "regression") for way in ("batch", "online")
    ]
    answers = [one["answers"] for one in result["proofs"]]
    assert len(answers) == len(kinds)
    for task, way in kinds:
        assert [text for text in answers if f"task={task}" in text and f"serving={way}" in text]
    checks = {tuple(one["checks"]) for one in result["proofs"]}
    assert checks == {("hooks", "types", "tests", "data", "pipeline")}
    assert shop.git("tag").split() == [result["version"]]


@pytest.mark.slow
def test_factories_of_every_release_follow_the_company_s_template(tmp_path: Path) -> None:
    shop = init(tmp_path / "shop.git", "--bare")
    factories, versions = [], []
    for version in (*RELEASED, history.load().development):
        if not version:
            continue
        rules = COMPANY["rules"][version in ("0.1.0", "0.2.0") :]  # which had no image yet
        argv = ("--on", f"v{version}", "--checks", "none")
        result = compose(tmp_path / "acme", shop, *argv, rules=rules)
        versions.append(result["version"])
        parents = shop.git("log", "-1", "--format=%P", result["version"]).split()
        assert parents == result["parents"]
        for factory in factories:
            mlfactory("update", "--defaults", "--to", result["version"], cwd=factory.path)
            holds_conventions(factory)
            assert factory.dirt == ""
        for number, answers in enumerate(({"serving": "online"}, {"ci": "none"})):
            place = tmp_path / f"made-{len(versions)}-{number}"
            factories.append(new(place, shop, result["version"], **answers))
            holds_conventions(factories[-1])
    assert shop.git("tag").split() == sorted(versions)
    for factory in factories:
        record = yaml.safe_load(factory.text(".copier-answers.yml"))
        assert (record["_commit"], record["cost_centre"]) == (versions[-1], "CC-0042")
        (report,) = json.loads(mlfactory("status", "--json", cwd=factory.path).stdout)["projects"]
        assert (report["behind"], report["conflicts"]) == (False, [])
