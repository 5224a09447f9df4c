"""The image of the service: linted, made step by step, its libraries found, without an engine."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile

from .conftest import SCRIPTS, Factory, execute
from .test_online import accepted, has_service, holdout, serving

BASE = Path(__file__).with_name("base-image.txt")


@pytest.fixture(scope="module")
def dockerfile(factory: Factory) -> str:
    if not has_service(factory):
        assert not (factory.path / "Dockerfile").exists()
        pytest.skip("made for batches")
    return factory.text("Dockerfile")


@pytest.fixture(scope="module")
def image(
    factory: Factory, dockerfile: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """The folder that the image's steps leave, made by the steps themselves."""
    build, final = re.split(r"^FROM .*$", dockerfile.replace("\\\n", " "), flags=re.M)[1:]
    settings = dict(pair.split("=") for pair in re.findall(r"UV_\w+=\w+", build))
    app = tmp_path_factory.mktemp("image") / "app"
    app.mkdir()
    programs = f"{app / '.venv/bin'}:{factory.env['PATH']}"
    for line in build.splitlines():
        step(line, factory.path, app, {**factory.env, **settings})
    for line in final.splitlines():
        if "--from" not in line:  # the environment is where it was made
            step(line, factory.path, app, {**factory.env, "PATH": programs})
    yield app
    shutil.rmtree(app)


def step(line: str, source: Path, target: Path, env: dict[str, str]) -> None:
    """One line of a Dockerfile, as far as it is about files and Python."""
    word, _, rest = line.partition(" ")
    if word == "COPY":
        *names, place = (name for name in rest.split() if not name.startswith("--from"))
        for name in names:
            path = source / name.removeprefix("/app/")
            goal = target / place / path.name if place == "./" else target / place
            goal.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(path, goal, symlinks=True) if path.is_dir() else shutil.copy(path, goal)
    elif rest.startswith(("uv ", "find ", "python ")):
        execute(("bash", "-c", rest), target, env)


def faults(text: str) -> set[str]:
    """What hadolint says of a Dockerfile, by rule, and what it does not look at."""
    argv = (str(SCRIPTS / "hadolint"), "--config", "/dev/null", "--format", "json", "-")
    done = subprocess.run(argv, input=text, capture_output=True, text=True)
    found = {one["code"] for one in json.loads(done.stdout)}
    last = text.rsplit("\nFROM ", 1)[-1]
    wanted = {"user": r"^USER [1-9]\d+$", "health": r"^HEALTHCHECK .*"}
    found |= {name for name, rule in wanted.items() if not re.search(rule, last, re.M)}
    return found | ({"fetched"} if re.search(r"^ADD |curl |wget ", text, re.M) else set())


def test_the_linter_has_nothing_to_say(dockerfile: str) -> None:
    assert faults(dockerfile) == set()


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("python:3.13-slim-trixie", "python:latest", "DL3007"),
        ("python:3.13-slim-trixie", "python", "DL3006"),
        ("USER 10001\n", "", "user"),
        ("USER 10001\n", "USER root\n", "DL3002"),
        ("USER 10001\n", "ADD https://example.org/x x\nUSER 10001\n", "fetched"),
        (" --no-install-recommends", "", "DL3015"),
        ("    && rm -rf /var/lib/apt/lists/* \\\n", "", "DL3009"),
        ("WORKDIR /app", "WORKDIR app", "DL3000"),
        ("ENV PATH=", "ENV API_TOKEN=abc PATH=", "DL3064"),
        ('CMD ["factory", "serve", "--host", "0.0.0.0"]', "CMD factory serve", "DL3025"),
        ("HEALTHCHECK", "#", "health"),
        ('"uv>=0.9,<0.14"', "uv", "DL3013"),
    ],
)
def test_the_linter_would_say_so(dockerfile: str, old: str, new: str, rule: str) -> None:
    by_name = re.sub("@sha256:[0-9a-f]{64}", "", dockerfile)
    assert old in by_name
    assert rule in faults(by_name.replace(old, new))


def test_what_it_is_made_from_is_pinned(dockerfile: str) -> None:
    bases = re.findall(r"^FROM (\S+)", dockerfile, re.M)
    assert len({*bases}) == 1
    assert all(re.fullmatch(r"python:[\w.-]+@sha256:[0-9a-f]{64}", one) for one in bases)


def test_only_what_the_image_copies_is_sent_to_the_engine(
    factory: Factory, dockerfile: str
) -> None:
    lines = [s for s in factory.text(".dockerignore").splitlines() if not s.startswith("#")]
    assert lines[0] == "*"
    sent = {line.removeprefix("!") for line in lines if line.startswith("!")}
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", dockerfile, re.M)
    assert {name for names in copied for name in names.split()} == sent
    assert not sent & {".git", ".dvc", "data", "log", ".env", "models", "."}


def test_the_user_of_the_image_may_write_the_log(factory: Factory, dockerfile: str) -> None:
    made = re.findall(r"install --directory --owner=(\S+) /app/(\S+)", dockerfile)
    user = re.findall(r"^USER (\S+)$", dockerfile, re.M)[-1]
    log = Path(yaml.safe_load(factory.text("params.yaml"))["log"]["path"])
    assert made == [(user, str(log.parent))]


def packages(app: Path) -> Path:
    return next((app / ".venv/lib").glob("python3.*/site-packages"))


def test_the_image_is_small_and_compiled(image: Path) -> None:
    place = packages(image)
    named = {path.name for path in place.iterdir()}
    assert not named & {"sklearn", "dvc", "pytest", "mypy", "pandas", "pyarrow"}
    size = sum(file.stat().st_size for file in place.rglob("*") if not file.is_symlink())
    assert size < 450e6
    assert list(place.glob("polars/__pycache__/*.pyc"))


def test_the_image_answers(factory: Factory, image: Path) -> None:
    with serving(factory, home=image) as service:
        row = accepted(service, holdout(factory, 1))[0]
        assert json.loads(service.get("/predict", row))["predictions"]
        assert json.loads(service.get("/model"))["metrics"]


def needed(file: Path) -> set[str]:
    """The libraries that a compiled file names."""
    with file.open("rb") as stream:
        for part in ELFFile(stream).iter_sections():
            if isinstance(part, DynamicSection):
                return {tag.needed for tag in part.iter_tags() if tag.entry.d_tag == "DT_NEEDED"}
    return set()


def provided(dockerfile: str) -> set[str]:
    """The libraries of the base image, and of the packages that the Dockerfile installs."""
    lines = [s for s in BASE.read_text().splitlines() if not s.startswith("#")]
    base, more = "\n".join(lines).split("\n\n")
    installed = set(re.findall(r"apt-get install ([^&]+)", dockerfile)[0].split())
    named = base.splitlines() + [s for s in more.splitlines() if s.split(":")[0] in installed]
    return {library for line in named for library in line.split(":")[1].split()}


def test_every_shared_library_is_in_the_wheels_or_in_the_base(image: Path, dockerfile: str) -> None:
    files = [path for path in packages(image).rglob("*.so*") if path.is_file()]
    wanted = set.union(*(needed(file) for file in files)) - {file.name for file in files}
    assert {"libc.so.6", "libstdc++.so.6"} <= wanted
    assert wanted - provided(dockerfile) == set()
    without = dockerfile.replace("libgomp1", "")
    assert wanted - provided(without) == {"libgomp.so.1"}
