"""Credentials in addresses are refused where they would be recorded, and never shown."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from mlfactory.base import addresses
from mlfactory.base.credentials import has_credentials, mask
from mlfactory.base.errors import MlfactoryError, UsageError
from mlfactory.cli import console

from .conftest import Command
from .histories import git

SECRET = "hunter2"
HOLDING = [
    f"https://user:{SECRET}@host/x.git",
    f"https://{SECRET}@host/x.git",
    f"https://x-access-token:{SECRET}@host:8443/x",
    f"https://user:{SECRET}/more@host/x",
    f"https://user:{SECRET}@more@host/x",
    f"https://:{SECRET}@host/x",
    f"git+https://user:{SECRET}@host/x",
    f"HTTPS://USER:{SECRET}@HOST/X",
    f"//user:{SECRET}@host/x",
    f"ssh://git:{SECRET}@host/x",
    f"ssh://git:{SECRET}@[::1]/x",
    f"user:{SECRET}@host:path/x.git",
    f"s3://KEY:{SECRET}@bucket/x",
    f"postgresql://user:{SECRET}@host/x",
    f"https://host/x?token={SECRET}",
    f"https://host/x?a=1&private_token={SECRET}&b=2",
    f"https://host/x?X-Amz-Signature={SECRET}",
    f"https://host/x#access_token={SECRET}",
    f"azure://container/x?sv=1&sig={SECRET}",
    f"azure://container;AccountName=a;AccountKey={SECRET}==",
    f"s3://bucket/x?shared_key={SECRET}",
    f"https://host/x?jwt={SECRET}",
    f"mssql+pyodbc:///?odbc_connect=UID%3Da%3BPWD%3D{SECRET}",
    f"https://host/x%3Ftoken%3D{SECRET}",
    f"https:/user:{SECRET}@host/x",
    f"https:\\\\user:{SECRET}@host\\x",
    f"http:user:{SECRET}@host/x",
    f"postgresql:/user:{SECRET}@host/x",
    f"webdavs://{SECRET}@host/x",
    f"redis://{SECRET}@host/0",
    f"https://host/x?t%6Fken={SECRET}",
    f"https://host/x?auth[0]={SECRET}",
    f"https://host/x?a=b%26token%3D{SECRET}",
    f"https://host/x?next=https%3A%2F%2Fuser%3A{SECRET}%40other",
    f"https://host/x?pat={SECRET}",
    f"https://host/x?Subscription-Key={SECRET}",
    f"s3://bucket/x?region=eu&passphrase={SECRET}",
    f"webhdfs://host/x?delegation={SECRET}",
    f"https://host/x?code={'aB3' * 10}{SECRET}",
    f"jdbc:oracle:thin:user/{SECRET}@host:1521/x",
    f"host=localhost user=a password={SECRET} dbname=x",
    f"PWD={SECRET};UID=a",
]
# What no text can be searched for, and an address that stands alone may be.
ALONE = [
    f"https://user:two words {SECRET}@host/x",
    f'https://user:{SECRET}"more@host/x',
    f"ssh://git:<{SECRET}>@host/x",
    f"https%3A%2F%2Fuser%3A{SECRET}%40host/x",
]
HEADERS = [
    f"Authorization: Bearer {SECRET}",
    f"http.extraHeader=AUTHORIZATION: basic {SECRET}",
    f"PRIVATE-TOKEN: {SECRET}",
    f'{{"Authorization": "token {SECRET}"}}',
    f"X-API-Key: {SECRET}, and more",
]
TOKENS = [
    "ghp_" + "aB3" * 12,
    "github_pat_" + "aB3_" * 15,
    "glpat-" + "aB3-" * 5,
    "hf_" + "aB" * 17,
    "xoxb-" + "123-" * 5,
    "ghs_" + "aB3" * 20,
    "gloas-" + "aB3-" * 8,
    "npm_" + "aB3" * 12,
    "AKIA" + "A1B2" * 4,
    "AIza" + "aB3-_" * 7,
    "sk-proj-" + "aB3_" * 10,
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.aB3-_x",
]
CLEAN = [
    "git@host:owner/x.git",
    "ssh://git@host/x",
    "ssh://git@host:2222/x",
    "git+ssh://git@host/x",
    "hdfs://user@host/x",
    "https://host:8443/x@v1",
    "https://host/~user@x",
    "http://[::1]:80/x",
    "gh:owner/x",
    "mlfactory::template",
    "git+mlfactory::template",
    "/home/a:b@c/x",
    "C:/x",
    "s3://bucket/x",
    "a@example.org",
    "https://host/x?monkey=1&page=2",
    "https://host/hf_models/glpat-docs/x.git",
    "https://host/sk-learn/AKIAKI/npm_x/x.git",
    "https://host/x?a%3Db",
    "https://host/x?ref=0f3c9a7be1d24c5f8a6b7c8d9e0f1a2b3c4d5e6f&author=a&compass=b",
    "https://host/x?sort_key=a&session_type=b&code=17",
    "https://host/x.git?ref=Feature-JIRA-1234-new-scoring-model&session=1&customer_key=2",
    "https://host/x?path=%2FTemplates%2FML01%2Fchurn&dataset=CustomerChurnTrainingSet2024",
    "https://host/x?filter=Region%20eq%20EMEA%20and%20Year%20eq%202024",
    "s3://bucket/key?versionId=3HL4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY",
    "s3://bucket/a@b:c/x?endpointurl=https://host:9000",
    "the word passes=1, and tokens=2",
    "sk-learn-based-model-for-customers-that-leave",
    "",
]


@pytest.mark.parametrize("address", HOLDING)
def test_a_secret_is_seen_and_taken_out(address: str) -> None:
    assert has_credentials(address)
    for text in (address, f"see `{address}`, and {address}", f'{{"a": "{address}"}}'):
        assert SECRET not in mask(text)


@pytest.mark.parametrize("address", ALONE)
def test_a_secret_with_odd_signs_is_seen_where_an_address_is_typed(address: str) -> None:
    assert has_credentials(address)


@pytest.mark.parametrize("token", TOKENS)
def test_a_token_with_a_form_of_its_own_is_seen_wherever_it_stands(token: str) -> None:
    for address in (f"https://host/{token}/x.git", f"https://host/x?a={token}", f"see {token}."):
        assert has_credentials(address)
        assert token not in mask(address)


@pytest.mark.parametrize("part", ["%3A//a", "?a=", "?a=%3A//", "%3A//a%3Ab", "a:b@", "//a:", "a@"])
def test_a_text_of_whatever_form_is_looked_through_soon(part: str) -> None:
    """A server says what is looked through: with 20,000 parts, another way than a linear one never
    comes to an end."""
    assert len(mask(part * 20_000)) > 10


@pytest.mark.parametrize("header", HEADERS)
def test_a_header_is_shown_without_what_it_holds(header: str) -> None:
    assert SECRET not in mask(header)
    assert not has_credentials("Authorization: who may pay by card")  # an answer, and no header
    assert SECRET not in mask(f"fatal: the server said no\n> {header}\n")


@pytest.mark.parametrize("address", CLEAN)
def test_an_account_and_a_path_are_no_secrets(address: str) -> None:
    assert mask(address) == address


def test_an_error_never_shows_one() -> None:
    error = MlfactoryError(f"no {HOLDING[0]}", f"Try {HOLDING[0]}")
    assert SECRET not in f"{error} {error.message} {error.hint} {error.args}"


def test_a_patch_stays_what_it_is_but_for_the_recorded_address() -> None:
    line = f"+see https://host/x?token={SECRET}\n"
    recorded = f"-_src_path: https://user:{SECRET}@host/x\n"
    patch = console.patch_of(line + recorded)
    assert patch == line + "-_src_path: https://***@host/x\n"


def test_lists_of_answers_are_looked_at(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="sources holds a credential"):
        addresses.refuse_answers({"name": str(tmp_path), "sources": ["x", HOLDING[0]]})


REFUSED = {
    "--template": ("new", "out", "--template", HOLDING[0]),
    "a token": ("new", "out", "--template", HOLDING[1]),
    "--remote": ("new", "out", "--remote", HOLDING[12]),
    "--set": ("new", "out", "--set", f"remote={HOLDING[9]}"),
    "data": ("new", "out", "--set", f"data_source={HOLDING[14]}"),
    "contradiction": ("new", "out", "--remote", HOLDING[12], "--set", f"remote={HOLDING[0]}"),
    "publish": ("template", "publish", HOLDING[0]),
    "use": ("template", "use", HOLDING[0]),
    "versions": ("template", "versions", "--template", HOLDING[0]),
    "a surplus argument": ("new", "out", HOLDING[0]),
    "a surplus setting": ("new", "out", "--set", HOLDING[1]),
}


@pytest.mark.parametrize("case", REFUSED)
def test_it_is_refused_before_anything_is_done(here: Path, mlfactory: Command, case: str) -> None:
    result = mlfactory(*REFUSED[case], code=2, MLFACTORY_DEBUG="1")
    assert SECRET not in result.stdout + result.stderr
    assert list(here.iterdir()) == []


def test_the_hint_says_where_it_belongs(mlfactory: Command, here: Path) -> None:
    assert "credential.helper" in mlfactory(*REFUSED["--template"], code=2).stderr
    assert ".dvc/config.local" in mlfactory(*REFUSED["--remote"], code=2).stderr
    (here / "a.yml").write_text(f"remote: {HOLDING[9]}\n")
    result = mlfactory("new", "out", "--answers", "a.yml", code=2)
    assert ".dvc/config.local" in result.stderr
    assert SECRET not in result.stderr


# A project that records one already.


@pytest.fixture
def recorded(plain_template: Path, here: Path) -> Path:
    """A project whose address holds a password; git finds the template by it."""
    import copier

    address = f"https://user:{SECRET}@example.org/x.git"
    git(plain_template, "config", "--global", f"url.{plain_template}.insteadOf", address)
    copier.run_copy(str(plain_template), here / "out", defaults=True, quiet=True)
    record = here / "out/.copier-answers.yml"
    record.write_text(record.read_text().replace(str(plain_template), address))
    git(here / "out", "init", "--quiet", "--initial-branch=main")
    git(here / "out", "add", "--all")
    git(here / "out", "commit", "--quiet", "--message", "made")
    (plain_template / "tree/more.txt").write_text("more\n")
    git(plain_template, "add", "--all")
    git(plain_template, "commit", "--quiet", "--message", "more")
    git(plain_template, "tag", "v1.1.0")
    return here / "out"


def shown(done: subprocess.CompletedProcess[str]) -> str:
    text = done.stdout + done.stderr
    assert SECRET not in text
    return text


def test_what_is_recorded_is_never_shown(recorded: Path, mlfactory: Command) -> None:
    assert "template use" in shown(mlfactory("status", cwd=recorded))
    assert "template use" in shown(mlfactory("status", "--json", cwd=recorded))
    shown(mlfactory("diff", "--update", cwd=recorded))
    assert "template use" in shown(mlfactory("update", "--dry-run", cwd=recorded))
    shown(mlfactory("update", "--to", "v9", cwd=recorded, code=2, MLFACTORY_DEBUG="1"))
    shown(mlfactory("update", "--defaults", "--json", cwd=recorded))
    assert SECRET not in git(recorded, "log", "-1", "--format=%B")


def test_nor_when_it_cannot_be_reached(
    recorded: Path, mlfactory: Command, plain_template: Path
) -> None:
    plain_template.rename(plain_template.with_name("gone"))
    for verb in ("status", "update", "diff"):
        shown(mlfactory(verb, cwd=recorded, code=1, MLFACTORY_DEBUG="1"))


def test_it_can_be_moved_away_from(
    recorded: Path, mlfactory: Command, plain_template: Path
) -> None:
    result = mlfactory("template", "use", plain_template, cwd=recorded)
    assert "moved from https://***@example.org/x.git" in shown(result)
    assert SECRET not in (recorded / ".copier-answers.yml").read_text()
    assert SECRET not in git(recorded, "log", "-1", "--format=%B")
    assert "template use" not in shown(mlfactory("status", cwd=recorded))
