"""The how-to about a factory in a larger repository, done as it says."""

from __future__ import annotations

from pathlib import Path

import yaml

from .conftest import ROOT, Command
from .evolving import init
from .template.pages import BLOCK, script

PAGE = "how-to/subdirectory.md"


def test_the_page(tmp_path: Path, command: Command) -> None:
    shop = init(tmp_path / "shop").commit({"app.py": "1\n"}).write({"app.py": "2\n"})
    result = command("bash", "-euo", "pipefail", "-c", script(PAGE), cwd=tmp_path)
    assert "models/churn is at v" in result.stdout.replace(f"{shop.path}/", "")
    assert shop.git("log", "--format=%s").splitlines()[:2] == [
        "Answer the template's questions of churn anew",
        "Move churn",
    ]
    flows = sorted(path.name for path in (shop.path / ".github/workflows").iterdir())
    jobs = ("batch", "ci", "monitor", "promote", "release", "report", "retrain", "rot")
    assert flows == [f"churn.{name}.yml" for name in jobs]
    assert 'working-directory: "churn"' in shop.text(".github/workflows/churn.ci.yml")
    assert shop.dirt == " M app.py\n"


def test_the_hooks_on_the_page_are_those_of_a_configuration() -> None:
    text = (ROOT / "docs" / PAGE).read_text("utf-8")
    (example,) = [block for _, language, block in BLOCK.findall(text) if language == "yaml"]
    (hook,) = yaml.safe_load(example)["repos"][0]["hooks"]
    assert hook["files"] == "^models/churn/"


def test_a_second_model(tmp_path: Path, command: Command) -> None:
    (tmp_path / "customers.csv").write_text(
        "customer id,months,revenue,churned\n"
        + "".join(f"C{k},{k % 40},{k * 3.5},{'yes' if k % 3 else 'no'}\n" for k in range(300)),
        "utf-8",
    )
    text = script("how-to/second-model.md")
    result = command("bash", "-euo", "pipefail", "-c", text, cwd=tmp_path)
    assert len(result.stdout.splitlines()) >= 3
    for name, task in (("churn", "classification"), ("revenue", "regression")):
        settings = yaml.safe_load((tmp_path / f"shop/models/{name}/params.yaml").read_text("utf-8"))
        assert settings["task"] == task
