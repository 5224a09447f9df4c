"""The tutorials' commands, one after the other, as somebody would type them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml
from mlfactory.new.samples import sample

from .conftest import execute
from .orders import files
from .pages import ROOT, script

pytestmark = pytest.mark.xdist_group("tutorial")


def test_the_first_tutorial_runs(tmp_path: Path, env: dict[str, str]) -> None:
    """The Spanish one is run, which says the same and where people read Spanish."""
    shutil.copy(sample("classification").path, tmp_path / "penguins.csv")
    program = script("tutorials/primera-fabrica.md")
    assert program.replace(" --set language=es", "") == script("tutorials/first-factory.md")
    done = execute(("bash", "-euo", "pipefail", "-c", program), tmp_path, env)
    assert "probability_" in done.stdout
    assert "log_loss" in done.stdout
    assert "culmen_shape" in (tmp_path / "penguins/models/model/signature.json").read_text()
    assert "Predicción de" in (tmp_path / "penguins/reports/report.html").read_text("utf-8")


def test_the_files_of_the_tutorial_are_made_by_a_script() -> None:
    for name, content in files().items():
        assert (ROOT / "docs/tutorials" / name).read_bytes() == content


def test_the_afternoon_with_a_real_file(tmp_path: Path, env: dict[str, str]) -> None:
    for name in files():
        shutil.copy(ROOT / "docs/tutorials" / name, tmp_path / name)
    program = script("tutorials/real-file.md")
    done = execute(("bash", "-euo", "pipefail", "-c", program), tmp_path, env)

    made, colleague = tmp_path / "returns", tmp_path / "colleague"
    columns = yaml.safe_load((made / "features.yaml").read_text("utf-8"))["columns"]
    assert columns["Refund €"]["role"] == "ignored"
    assert columns["Price €"]["dtype"] == "float"
    assert columns["Discount"]["dtype"] == "int"
    assert columns["Order date"]["format"] == ["%d.%m.%Y"]
    assert columns["E-mail"]["sensitive"] == "personal"
    found = json.loads((made / "reports/evaluation.json").read_text("utf-8"))
    assert found["verdict"] == "accepted"
    assert sum(found["rows"].values()) == 750
    assert found["threshold"] == pytest.approx(4 / 24)
    learned = {line["feature"] for line in found["importance"]}
    assert {"several sizes", "Category"} <= learned
    assert "Refund €" not in learned
    assert not [page for page in made.glob("reports/*.*") if "@example.org" in page.read_text()]
    scored = (colleague / "june.csv").read_text("utf-8")
    assert scored.count("\n") == 151
    assert "slower" in done.stdout
    assert done.stdout.endswith("Data and pipelines are up to date.\n")
