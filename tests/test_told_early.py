"""What is wrong with data or answers ends `mlfactory new` before anything is made or installed."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

GOOD = "id,day,amount,churned\n" + "".join(
    f"c{n},2025-01-{1 + n % 28:02},{n}.5,{'yes' if n % 3 else 'no'}\n" for n in range(90)
)
FEW = "".join(GOOD.splitlines(keepends=True)[:40])
REFUSED = [
    ("a.csv", b"", (), 1, "is empty"),
    ("a.csv", b"churned,amount\n", (), 1, "a header and no row"),
    ("a.csv", FEW.encode(), (), 1, "39 rows with a target; at least 50 are needed"),
    ("a.csv", b"PK\x03\x04\0\0", (), 1, "is a ZIP archive or an Excel workbook that was cut off"),
    ("a.csv", b"one column\nonly\n", (), 1, "has one column only"),
    ("a.csv.gz", gzip.compress(GOOD.encode(), mtime=0)[:-20], (), 1, "cut off or damaged"),
    ("a.xlsx", b"PK\x03\x04\0\0", (), 1, "is no workbook that can be read"),
    ("a.csv", GOOD.replace("amount", "id", 1).encode(), (), 1, "two columns named 'id'"),
    ("a.csv", GOOD.replace("yes", "no").encode(), (), 1, "'churned' is 'no' in every row"),
    ("a.csv", GOOD.replace("yes", "").replace("no", "?").encode(), (), 1, "missing in every row"),
    ("a.csv", GOOD.encode(), ("--target", "chrned"), 1, "Did you mean --target 'churned'?"),
    ("a.csv", GOOD.encode(), ("--task", "regression"), 1, "no number can be predicted"),
    ("a.csv", GOOD.encode(), ("--id", "customer"), 1, "has no column 'customer'"),
    ("a.csv", GOOD.encode(), ("--time", "amount"), 1, "holds values, not dates: '0.5'"),
    ("a.csv", GOOD.encode(), ("--set", "colour=red"), 2, "no question colour"),
]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, with an empty folder for temporary files beside it."""
    for name in ("here", "temporary"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    return tmp_path / "here"


def refuse(here: Path, mlfactory: Any, said: str, code: int, *argv: object) -> None:
    """One message with the next step, no traceback, and nothing that was not there before."""
    result = mlfactory("new", "churn", *argv, code=code)
    assert said in result.stderr.replace("\n", " ")
    assert result.stderr.count("error: ") == 1
    assert "hint: " in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
    assert not (here / "churn").exists()
    assert list((here.parent / "temporary").iterdir()) == []


@pytest.mark.parametrize(("name", "content", "options", "code", "said"), REFUSED)
def test_what_is_wrong_is_told_before_anything_is_made(
    here: Path,
    mlfactory: Any,
    contract_template: Path,
    name: str,
    content: bytes,
    options: tuple[str, ...],
    code: int,
    said: str,
) -> None:
    (here / name).write_bytes(content)
    argv = ("--template", contract_template, "--data", name, "--target", "churned", *options)
    refuse(here, mlfactory, said, code, *argv)
    assert [path.name for path in here.iterdir()] == [name]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("b.csv", "is a link to gone.csv"),
        ("c.csv", "there is no file"),
        ("https://example.org/a.csv", "is an address"),
    ],
)
def test_what_is_no_file_is_told(
    here: Path, mlfactory: Any, contract_template: Path, name: str, said: str
) -> None:
    (here / "b.csv").symlink_to("gone.csv")
    argv = ("--template", contract_template, "--data", name, "--target", "churned")
    refuse(here, mlfactory, said, 1, *argv)


def test_a_folder_without_a_file_is_told(here: Path, mlfactory: Any) -> None:
    (here / "orders").mkdir()
    refuse(here, mlfactory, "is in the folder", 1, "--data", "orders", "--target", "churned")
