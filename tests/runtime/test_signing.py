"""Signed models: where a key is configured, nothing reads a model that it has not signed."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from mlfactory_runtime import errors, notebook
from mlfactory_runtime.learn.keys import KEYS_ENV, PASSWORD_ENV, read_private
from mlfactory_runtime.learn.manifest import save_manifest
from mlfactory_runtime.learn.signing import attested, save, statement_of
from mlfactory_runtime.project import Project
from mlfactory_runtime.records.attestation import Bundle, Statement
from mlfactory_runtime.registry.hand_over import command
from mlfactory_runtime.registry.resolve import Registered, on_stage, resolve
from mlfactory_runtime.tables.read import read_batches

from .factories import Factory, kept

SIGNATURE = "models/model.sig"


@pytest.fixture
def factory(trained_copy: Project, monkeypatch: pytest.MonkeyPatch) -> Factory:
    for name in (KEYS_ENV, PASSWORD_ENV, "FACTORY_SIGNING_KEY"):
        monkeypatch.delenv(name, raising=False)
    (trained_copy.root / "rows.csv").write_bytes(trained_copy.raw.read_bytes())
    return Factory(trained_copy.root)


def pair(factory: Factory, name: str, *, trusted: bool = True) -> Path:
    """A new key pair; the private key's file."""
    private = factory.path.parent / f"{name}.key"
    factory.run("signing", "key", str(private))
    if trusted:
        known = factory.settings().get("signing", {}).get("keys", [])
        factory.change(signing={"keys": [*known, f"keys/{name}.pem"]})
    return private


def predict(factory: Factory, code: int = 0) -> str:
    return factory.run("predict", "rows.csv", "out.csv", "--no-log", code=code).err


def sign(factory: Factory, private: Path) -> None:
    factory.run("signing", "sign", "--key", str(private))


def test_a_model_is_used_when_a_trusted_key_has_signed_it(
    factory: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    private = pair(factory, "release")
    assert private.stat().st_mode & 0o077 == 0
    said = predict(factory, 1)
    assert "models/model is not signed, and signing.keys wants it to be" in said
    assert "factory signing sign" in said
    assert not (factory.path / "out.csv").exists()
    sign(factory, private)
    predict(factory)
    assert factory.json("signing", "verify", "--json")["signed_by"] == "release"
    monkeypatch.chdir(factory.path)
    rows = next(iter(read_batches(factory.project.raw, factory.project.params.data)))
    assert notebook.score(rows).height == rows.height
    (factory.path / SIGNATURE).unlink()
    with pytest.raises(errors.FactoryError, match="is not signed"):
        notebook.score(rows)


def test_a_change_is_refused_before_anything_reads_the_model(factory: Factory) -> None:
    """Whoever changes a file can write its hash into the manifest, and no signature."""
    sign(factory, pair(factory, "release"))
    folder = factory.path / "models/model"
    text = (folder / "signature.json").read_text()
    (folder / "signature.json").write_text("no JSON")
    save_manifest(folder)
    assert "is not what release signed" in predict(factory, 1)
    (folder / "signature.json").write_text(text)
    save_manifest(folder)
    predict(factory)
    (folder / "more.txt").write_text("more")
    assert "models/model/more.txt is not among what release signed" in predict(factory, 1)
    (folder / "more.txt").unlink()
    (folder / "model.txt").rename(factory.path / "model.txt")
    assert "models/model/model.txt is signed by release and is not here" in predict(factory, 1)


def test_keys_come_and_go_by_name(factory: Factory, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = pair(factory, "of-2025"), pair(factory, "of-2026")
    stranger = pair(factory, "stranger", trusted=False)
    for key, name in ((old, "of-2025"), (new, "of-2026")):
        sign(factory, key)
        assert factory.json("signing", "verify", "--json")["signed_by"] == name
    sign(factory, stranger)
    assert "signed by none of the keys that are trusted: of-2025, of-2026" in predict(factory, 1)
    sign(factory, old)
    factory.change(signing={"keys": ["keys/of-2026.pem"]})
    assert "signed by none of the keys" in predict(factory, 1)
    # Who runs it need not trust whoever can edit params.yaml.
    factory.change(signing={"keys": []})
    predict(factory)
    monkeypatch.setenv(KEYS_ENV, str(factory.path / "keys/of-2026.pem"))
    assert "signed by none of the keys" in predict(factory, 1)
    sign(factory, new)
    predict(factory)


def test_what_a_retraining_has_just_made_is_compared_unsigned(
    factory: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair(factory, "release")
    own = Registered("new", None, None, factory.project, factory.project.model_folder)
    fresh = replace(own, fresh=True)
    places = [command(factory.project, one, ["predict"])[1][KEYS_ENV] for one in (own, fresh)]
    assert places[0] == str(factory.path / "keys/release.pem")
    for place, code in zip(places, (1, 0), strict=True):
        monkeypatch.setenv(KEYS_ENV, place)
        predict(factory, code)


def rsa_key(file: Path) -> None:
    form = serialization
    key = rsa.generate_private_key(65537, 2048)
    file.write_bytes(
        key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    )


def test_a_private_key_that_will_not_do_is_named(
    factory: Factory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    private = pair(factory, "release")
    inside, other, odd = factory.path / "release.key", tmp_path / "rsa.key", tmp_path / "odd.key"
    inside.write_bytes(private.read_bytes())
    rsa_key(other)
    odd.write_bytes(b"\xff\x00")
    lines = {
        inside: "lies in the repository, and a private key must never be there",
        factory.path / "keys/release.pem": "lies in the repository",
        other: "holds a key of another kind",
        odd: "holds no private key",
        tmp_path: "cannot be read: Is a directory",
        tmp_path / "nothing.key": "cannot be read: No such file or directory",
    }
    for file, line in lines.items():
        assert line in factory.run("signing", "sign", "--key", str(file), code=1).err
    assert "lies in the repository" in factory.run("signing", "key", "own.key", code=1).err
    assert "is there already" in factory.run("signing", "key", str(private), code=1).err
    monkeypatch.setenv(PASSWORD_ENV, "correct horse")
    hidden = pair(factory, "hidden")
    assert b"ENCRYPTED" in hidden.read_bytes()
    sign(factory, hidden)
    monkeypatch.setenv(PASSWORD_ENV, "another")
    assert (
        "its password is another"
        in factory.run("signing", "sign", "--key", str(hidden), code=1).err
    )
    monkeypatch.delenv(PASSWORD_ENV)
    said = factory.run("signing", "sign", "--key", str(hidden), code=1).err
    assert f"set {PASSWORD_ENV} to its password" in said


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        (["keys/none.pem"], "keys/none.pem cannot be read"),
        (["params.yaml"], "params.yaml holds no public key"),
        (["keys/a.pem", "other/a.pem"], "two keys have the name a"),
    ],
)
def test_a_public_key_that_will_not_do_is_named(
    factory: Factory, keys: list[str], line: str
) -> None:
    pair(factory, "a", trusted=False)
    (factory.path / "other").mkdir()
    (factory.path / "other/a.pem").write_bytes((factory.path / "keys/a.pem").read_bytes())
    factory.change(signing={"keys": keys})
    assert line in predict(factory, 1)


def edited(change: Callable[[dict[str, object]], None]) -> Callable[[str], str]:
    """A signature whose payload was changed after it was signed."""

    def act(text: str) -> str:
        bundle = json.loads(text)
        payload = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))
        change(payload)
        encoded = base64.b64encode(json.dumps(payload).encode()).decode()
        bundle["dsseEnvelope"]["payload"] = encoded
        return json.dumps(bundle)

    return act


DAMAGES: dict[str, tuple[Callable[[str], str], str]] = {
    "empty": (lambda _: "", "is no signature of a model"),
    "a list": (lambda _: "[]", "is no signature of a model"),
    "cut off": (lambda text: text[: len(text) // 2], "is no signature of a model"),
    "no base64": (lambda text: text.replace('"payload":"', '"payload":"A'), "none of the keys"),
    "nothing signed": (
        lambda text: json.dumps(
            json.loads(text)
            | {"dsseEnvelope": json.loads(text)["dsseEnvelope"] | {"signatures": []}}
        ),
        "is no signature of a model",
    ),
    "another media type": (lambda text: text.replace("v0.3+json", "v9+json"), "is no signature"),
    "an edited payload": (edited(lambda payload: payload.update(more=1)), "none of the keys"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_signature_is_refused_in_a_sentence(factory: Factory, damage: str) -> None:
    sign(factory, pair(factory, "release"))
    change, line = DAMAGES[damage]
    factory.write(SIGNATURE, change(factory.text(SIGNATURE)))
    said = predict(factory, 1)
    assert line in said
    assert "Traceback" not in said


def test_what_a_key_signed_of_something_else_is_no_signature_of_a_model(factory: Factory) -> None:
    private = read_private(factory.project, pair(factory, "release"))
    folder = factory.path / "models/model"
    known = statement_of(folder)
    other = known.model_copy(update={"predicate_type": "https://slsa.dev/provenance/v1"})
    save(attested(other, private), folder)
    assert "what is signed says nothing of a model" in predict(factory, 1)
    fewer = known.predicate.model_copy(update={"resources": known.predicate.resources[1:]})
    save(attested(Statement(subject=known.subject, predicate=fewer), private), folder)
    assert "is not among what release signed" in predict(factory, 1)


def other_program(line: str) -> None:
    """Run the program of those who made the format; it takes no part in anything else."""
    done = subprocess.run([sys.executable, "-c", line], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-1000:]


def test_the_format_is_that_of_others(factory: Factory) -> None:
    """What is signed here is checked by the program that defines the format, and the reverse."""
    private = pair(factory, "release")
    model, signature, public = (
        str(factory.path / name) for name in ("models/model", SIGNATURE, "keys/release.pem")
    )
    sign(factory, private)
    theirs = Path(signature).with_name("theirs.sig")
    other_program(
        "import model_signing as m, pathlib as p;"
        f"m.verifying.Config().use_elliptic_key_verifier(public_key=p.Path({public!r}))"
        f".verify(p.Path({model!r}), p.Path({signature!r}));"
        f"m.signing.Config().use_elliptic_key_signer(private_key=p.Path({str(private)!r}))"
        f".sign(p.Path({model!r}), p.Path({str(theirs)!r}))"
    )
    assert theirs.read_text() != Path(signature).read_text()
    Bundle.model_validate_json(theirs.read_text())
    theirs.replace(signature)
    predict(factory)


def test_nothing_needs_the_package_where_no_key_is_configured(
    factory: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair(factory, "release", trusted=False)
    monkeypatch.setitem(sys.modules, "cryptography", None)
    predict(factory)
    factory.change(signing={"keys": ["keys/release.pem"]})
    assert "signatures need the package cryptography" in predict(factory, 1)


def test_versions_bear_their_signature_and_what_they_consist_of(
    tracked: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("NAME", "Tester"), ("EMAIL", "tester@example.org")):
        monkeypatch.setenv(f"GIT_AUTHOR_{name}", value)
        monkeypatch.setenv(f"GIT_COMMITTER_{name}", value)
    tracked.write("uv.lock", LOCK)
    kept(tracked, "Lock packages")
    tracked.run("register")
    private = pair(tracked, "release")
    with pytest.raises(errors.FactoryError, match="is not signed"):
        resolve(tracked.project, "v1.0.0")
    done = tracked.json("register", "--ref", "HEAD~0", "--key", str(private), "--json")
    assert (done["version"], done["new"]) == ("v1.0.1", True)
    again = tracked.json("register", "--ref", "HEAD~0", "--key", str(private), "--json")
    assert (again["version"], again["new"]) == ("v1.0.1", False)
    tracked.run("promote", "v1.0.1", "--to", "prod", "--force", "--why", "the first")
    assert "v1.0.1" in tracked.run("models").out
    known = {
        one["version"]: one["signed_by"] for one in tracked.json("models", "--json")["versions"]
    }
    assert known == {"v1.0.0": None, "v1.0.1": "release"}
    assert on_stage(tracked.project, "prod")
    first = tracked.run("sbom", "v1.0.1").out
    assert first == tracked.text("promotions/prod-0001-v1.0.1.cdx.json")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(first) is None
    bill = json.loads(first)
    model = bill["metadata"]["component"]
    assert (model["type"], model["version"]) == ("machine-learning-model", "v1.0.1")
    assert {"model.txt", "manifest.json"} <= {one["name"] for one in model["components"]}
    parts = {one["name"]: one for one in bill["components"]}
    assert parts["polars"]["purl"] == "pkg:pypi/polars@2.1.0"
    assert parts["polars"]["scope"] == "required"
    assert parts["ruff"]["scope"] == "excluded"
    assert "purl" not in parts["mlfactory-runtime"]
    assert parts["data/raw/customers.csv"]["hashes"][0]["alg"] == "MD5"
    assert tracked.json("promotions", "apply", "--json")["made"] == []
    # Another key: what the first one signed is refused, wherever it is asked for.
    pair(tracked, "other", trusted=False)
    tracked.change(signing={"keys": ["keys/other.pem"]})
    for argv in (
        ["predict", "--model", "prod", "data/raw/customers.csv", "o.csv"],
        ["compare", "prod", "models/model"],
        ["promote", "v1.0.1", "--to", "staging"],
        ["monitor"],
    ):
        assert "signed by none of the keys" in tracked.run(*argv, code=1).err
    assert "not trusted here" in tracked.run("models").out


LOCK = """version = 1

[[package]]
name = "churn"
version = "0.1.0"
source = { editable = "." }
dependencies = [{ name = "mlfactory-runtime" }]

[package.dev-dependencies]
dev = [{ name = "ruff" }]

[[package]]
name = "mlfactory-runtime"
version = "0.3.0"
source = { path = "vendor/mlfactory_runtime-0.3.0-py3-none-any.whl" }
dependencies = [{ name = "polars" }]
wheels = [
  { filename = "mlfactory_runtime-0.3.0-py3-none-any.whl", hash = "sha256:%(a)s" },
]

[[package]]
name = "polars"
version = "2.1.0"
source = { registry = "https://packages.example.org/simple" }
sdist = { url = "https://files.example.org/polars-2.1.0.tar.gz", hash = "sha256:%(a)s", size = 9 }

[[package]]
name = "ruff"
version = "0.17.0"
source = { registry = "https://packages.example.org/simple" }
""" % {"a": "ab" * 32}  # noqa: UP031 - braces are TOML's
