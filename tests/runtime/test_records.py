"""Every form that was ever written is read, and what is written now is written the same again."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from mlfactory_runtime import errors, files
from mlfactory_runtime.learn import signature
from mlfactory_runtime.log import store
from mlfactory_runtime.project import Project
from mlfactory_runtime.records.card import Card
from mlfactory_runtime.records.comparison import Comparison
from mlfactory_runtime.records.data import Snapshot, SplitRecord
from mlfactory_runtime.records.deployment import Deployment
from mlfactory_runtime.records.evaluation import Evaluation
from mlfactory_runtime.records.intervals import Intervals
from mlfactory_runtime.records.linear import Linear
from mlfactory_runtime.records.manifest import Manifest
from mlfactory_runtime.records.monitoring import Monitored, Window
from mlfactory_runtime.records.profile import Profile
from mlfactory_runtime.records.record import Record, parse, read
from mlfactory_runtime.records.registry import Catalog, Promotion
from mlfactory_runtime.registry import models, tags
from mlfactory_runtime.settings import params

FORMATS = Path(__file__).parent / "formats"
KINDS: dict[str, type[Record]] = {
    "card": Card,
    "catalog": Catalog,
    "comparison": Comparison,
    "deployment": Deployment,
    "evaluation": Evaluation,
    "intervals": Intervals,
    "linear": Linear,
    "manifest": Manifest,
    "monitor": Monitored,
    "profile": Profile,
    "promotion": Promotion,
    "snapshot": Snapshot,
    "split": SplitRecord,
    "window": Window,
}
GOLDEN = [file for name in KINDS for file in sorted((FORMATS / name).glob("*.json"))]
OWN = [file for file in GOLDEN if "-of-" not in file.stem]


def golden(file: Path) -> str:
    return file.relative_to(FORMATS).as_posix()


def number(file: Path) -> int:
    return int(file.stem.partition("-")[0])


@pytest.mark.parametrize("file", GOLDEN, ids=golden)
def test_every_form_is_read(file: Path) -> None:
    found = read(KINDS[file.parent.name], file)

    assert found is not None and found.format == number(file)


@pytest.mark.parametrize("file", OWN, ids=golden)
def test_the_form_of_today_is_written_to_the_byte(file: Path) -> None:
    kind = KINDS[file.parent.name]

    assert number(file) == kind.latest
    assert files.pretty(parse(kind, file.read_text("utf-8"), "").model_dump()) == file.read_text(
        "utf-8"
    )


@pytest.mark.parametrize("file", GOLDEN, ids=golden)
def test_what_a_release_wrote_keeps_its_keys(file: Path) -> None:
    """What programs read of a file of the same form is there under the same name."""
    kind, content = KINDS[file.parent.name], json.loads(file.read_text("utf-8"))
    if number(file) == kind.latest:
        again = json.loads(json.dumps(kind.model_validate(content).model_dump()))
        assert subset(content, again)


def subset(before: object, after: object) -> bool:
    if isinstance(before, dict) and isinstance(after, dict):
        return all(key in after and subset(value, after[key]) for key, value in before.items())
    if isinstance(before, list) and isinstance(after, list):
        return len(before) == len(after) and all(map(subset, before, after))
    return before == after


WITHOUT_ROOM = """
import resource, signal, sys
from pathlib import Path
from mlfactory_runtime.files import replace, write_json
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
path, text = Path(sys.argv[2]), "x" * 10_000
write_json(path, text) if sys.argv[1] == "json" else replace(path, text)
"""


@pytest.mark.parametrize("way", ["json", "text"])
def test_where_there_is_no_room_the_record_of_before_stays(tmp_path: Path, way: str) -> None:
    file = tmp_path / "snapshot.json"
    file.write_text('{"of": "before"}')
    argv = [sys.executable, "-c", WITHOUT_ROOM, way, str(file)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert "File too large" in done.stderr
    assert {one.name: one.read_text() for one in tmp_path.iterdir()} == {
        "snapshot.json": '{"of": "before"}'
    }


AT_ONCE = """
import sys
from pathlib import Path
from mlfactory_runtime.files import write_json
for number in range(200):
    write_json(Path(sys.argv[1]), [number] * 1_000)
"""


def test_two_that_write_a_record_at_once_do_not_meet(tmp_path: Path) -> None:
    file = tmp_path / "catalog.json"
    argv = [sys.executable, "-c", AT_ONCE, str(file)]
    both = [subprocess.Popen(argv, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    while any(one.poll() is None for one in both):
        if file.is_file():
            assert len(json.loads(file.read_text())) == 1_000
    assert [one.communicate()[1] for one in both] == ["", ""]
    assert [one.name for one in tmp_path.iterdir()] == ["catalog.json"]


@pytest.mark.parametrize("content", [b"[" * 50_000, b"\xff\xfe", b"null", b'{"files": 1}'])
def test_what_is_no_record_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "manifest.json").write_bytes(content)
    with pytest.raises(errors.FactoryError, match=r"manifest\.json (cannot be read|is no text)"):
        read(Manifest, tmp_path / "manifest.json")


@pytest.mark.parametrize("name", KINDS)
def test_every_number_has_its_file(name: str) -> None:
    numbers = {number(file) for file in GOLDEN if file.parent.name == name}

    assert numbers == set(range(1, KINDS[name].latest + 1))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"format": 99, "rows": 1}', r"cannot be read: \w+: Field required"),
        ("{", "cannot be read: it is no JSON"),
        ("[]", "cannot be read: Input should be"),
    ],
)
def test_what_cannot_be_read_is_told(text: str, why: str) -> None:
    with pytest.raises(errors.FactoryError, match=why):
        parse(Snapshot, text, "snapshot.json")


def test_a_later_form_is_refused() -> None:
    later = json.loads((FORMATS / "snapshot/1.json").read_text("utf-8")) | {"format": 2}

    with pytest.raises(errors.FactoryError, match="the form 2, and this factory knows 1"):
        parse(Snapshot, json.dumps(later), "snapshot.json")


@pytest.mark.parametrize("file", sorted((FORMATS / "signature").iterdir()), ids=golden)
def test_signatures_of_every_release_are_read(file: Path, tmp_path: Path) -> None:
    (tmp_path / signature.FILE).write_text(file.read_text("utf-8"), "utf-8")

    found = signature.load_signature(tmp_path)
    signature.save_signature(found, tmp_path)

    written = (tmp_path / signature.FILE).read_text("utf-8")
    assert subset(json.loads(file.read_text("utf-8")), json.loads(written))
    if "-of-" not in file.stem:
        assert written == file.read_text("utf-8")


def test_the_log_has_the_tables_that_it_had(tmp_path: Path) -> None:
    engine = store.engine_of(params.Log(path=str(tmp_path / "log.db")))
    store.make(engine)

    with engine.connect() as connection:
        asked = "select sql from sqlite_master where sql is not null order by name"
        tables = [f"{text};" for text in connection.scalars(sa.text(asked))]
    assert "\n".join(tables) + "\n" == (FORMATS / "log/1.sql").read_text("utf-8")


@pytest.mark.parametrize("file", sorted((FORMATS / "log").iterdir()), ids=golden)
def test_a_log_that_a_release_made_is_used_as_it_is(file: Path, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "log.db") as connection:
        connection.executescript(file.read_text("utf-8"))
        connection.execute("insert into log_schema values (1)")
    connection.close()

    engine = store.engine_of(params.Log(path=str(tmp_path / "log.db")))
    store.make(engine)

    known = sa.inspect(engine)
    for name, table in store.metadata.tables.items():
        assert {one["name"] for one in known.get_columns(name)} == set(table.columns.keys())


@pytest.mark.parametrize("file", sorted((FORMATS / "tags").iterdir()), ids=golden)
def test_tags_of_every_release_say_what_is_in_use(file: Path, tmp_path: Path) -> None:
    lines = [line.split("\t") for line in file.read_text("utf-8").splitlines()]
    commits = {"v1.0.0": "one", "v1.1.0": "two"}
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "golden"\n', "utf-8")
    git(tmp_path, "init", "--quiet")
    for name, subject in commits.items():
        git(tmp_path, "commit", "--quiet", "--allow-empty", "--message", subject)
        commits[name] = git(tmp_path, "rev-parse", "HEAD")
    for tag, message in lines:
        commit = commits[json.loads(message)["version"]]
        git(tmp_path, "tag", "--annotate", "--message", message, tag, commit)

    project = Project(tmp_path)
    found = models.models(project)

    assert [one.tag for one in tags.tags(project)] == [
        *("golden@v1.0.0", "golden@v1.1.0"),
        *("golden#prod#1", "golden#prod#2"),
    ]
    assert [one.version for one in found.versions] == ["v1.0.0", "v1.1.0"]
    stage = found.stages["prod"]
    assert (stage.version, stage.before, stage.forced) == ("v1.1.0", "v1.0.0", True)
    assert stage.approved_by == "Ada <ada@example.org>"


def git(folder: Path, *args: str) -> str:
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    command = ("git", *identity, *args)
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_the_tag_of_a_promotion_holds_its_record() -> None:
    lines = (FORMATS / "tags/1.txt").read_text("utf-8").splitlines()
    messages = [line.partition("\t")[2] for line in lines if "#prod" in line]

    for message in messages:
        record = parse(Promotion, message, "tag")
        assert json.dumps(record.model_dump(), ensure_ascii=False) == message
