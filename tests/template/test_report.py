"""The report that a factory comes with: one page that people can open, read, and print."""

from __future__ import annotations

import json
import os
import re
import shutil
from html import escape
from pathlib import Path

import pytest
import yaml

from .conftest import Factory, execute

PHONE = 390
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
QUIET = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--hide-scrollbars", "--dump-dom")  # fmt: skip
SECTIONS = {
    "How good is it?", "Where is it right, and where not?", "For whom is it less good?",
    "What do the predictions depend on?", "Which data?", "What is assumed, and what to mind",
    "What to do next", "Provenance",
}  # fmt: skip
# How wide the page is, and which texts of pictures stick out of them or lie upon each other.
MEASURE = """
<body><iframe style="width: {width}px; height: 9000px" srcdoc="{page}"></iframe><script>
onload = () => {{
  const inner = document.querySelector("iframe").contentDocument;
  const box = one => one.getBoundingClientRect();
  const apart = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) < 1
    || Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) < 2;
  const out = [], upon = [];
  for (const svg of inner.querySelectorAll("svg")) {{
    const texts = [...svg.querySelectorAll("text")], frame = box(svg);
    for (const [i, text] of texts.entries()) {{
      const place = box(text);
      if (place.left < frame.left - 2 || place.right > frame.right + 2
          || place.bottom > frame.bottom + 2) out.push(text.textContent);
      for (const other of texts.slice(i + 1))
        if (!apart(place, box(other))) upon.push(text.textContent + " | " + other.textContent);
    }}
  }}
  document.body.textContent = "measured"
    + JSON.stringify({{width: inner.documentElement.scrollWidth, out, upon}}) + "measured";
}};
</script></body>
"""


@pytest.fixture(scope="session")
def browser() -> str:
    """A Chromium; where tests must not be left out, there has to be one."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if not found and not os.environ.get("CI"):
        pytest.skip("no Chromium on this machine")
    assert found, "no Chromium on this machine: apt-get install chromium"
    return found


def test_the_page_refers_to_nothing_outside(factory: Factory) -> None:
    page = factory.text("reports/report.html")
    assert "default-src 'none'" in page
    assert set(re.findall(r"(?:src|href)\s*=\s*[\"']?([^\"'\s>]*)", page)) <= {"#mind"}
    assert "url(" not in page
    assert "@import" not in page


def test_the_page_has_every_section_and_is_light(factory: Factory) -> None:
    page = factory.text("reports/report.html")
    task = json.loads(factory.text("reports/evaluation.json"))["task"]
    wanted = SECTIONS | ({"What does it bring in use?"} if task == "binary" else set())
    assert set(re.findall("<h2>(.*?)</h2>", page)) == wanted
    assert len(page.encode()) < 150_000


def test_the_cards_say_the_same(factory: Factory) -> None:
    found = json.loads(factory.text("reports/evaluation.json"))
    card = factory.text("reports/model_card.md")
    assert {"## Groups", "## Features", "## Next steps"} <= set(card.splitlines())
    assert f"{found['segments']['looked_at']:,} group" in card
    assert ("## In use" in card) == (found["task"] == "binary")


def test_the_page_fits_on_a_phone(factory: Factory, browser: str, tmp_path: Path) -> None:
    page = factory.text("reports/report.html")
    (tmp_path / "phone.html").write_text(MEASURE.format(width=PHONE, page=escape(page)), "utf-8")
    profile = f"--user-data-dir={tmp_path / 'profile'}"
    address = (tmp_path / "phone.html").as_uri()
    done = execute((browser, *QUIET, profile, address), tmp_path, {**factory.env})
    told = done.stdout.split("measured")[1].replace("&amp;", "&")
    assert json.loads(told) == {"width": PHONE, "out": [], "upon": []}


@pytest.mark.xdist_group("lab")
def test_values_of_sensitive_columns_stand_in_no_report(lab: Factory) -> None:
    catalog = yaml.safe_load(lab.text("features.yaml"))
    catalog["columns"]["plan"] |= {"sensitive": "special", "drafted": "básico 30 %"}
    catalog["columns"]["price €"]["sensitive"] = "personal"
    lab.write("features.yaml", yaml.safe_dump(catalog, allow_unicode=True, sort_keys=False))
    segments = 'segments: [plan, "price €"]'
    lab.write("params.yaml", lab.text("params.yaml").replace("segments: []", segments))
    before = lab.text("reports/report.html")
    lab.run("dvc", "repro")
    written = "".join(
        path.read_text("utf-8") for path in (lab.path / "reports").rglob("*") if path.is_file()
    )
    assert "básico" in before
    assert "básico" not in written
    assert "enterprise" not in written
    found = json.loads(lab.text("reports/evaluation.json"))["segments"]["chosen"]
    assert all(line["group"].startswith(("group ", "missing")) for line in found["plan"])
    assert [line["group"] for line in found["price €"]] == [
        "lowest quarter", "second quarter", "third quarter", "highest quarter",
    ]  # fmt: skip


@pytest.mark.xdist_group("lab")
def test_a_column_to_compare_by_that_is_not_there_is_named(lab: Factory) -> None:
    lab.write("params.yaml", lab.text("params.yaml").replace("segments: []", "segments: [plam]"))
    done = lab.run("factory", "train", code=1)
    assert "'plam'" in done.stderr
    assert "'plan'" in done.stderr


@pytest.mark.xdist_group("lab")
def test_costs_set_the_threshold_and_an_old_threshold_still_holds(lab: Factory) -> None:
    settings = lab.text("params.yaml")
    for usual, text, threshold in (
        ("cost_fn: 1", "cost_fn: 4", 0.2),
        ("threshold: null", "threshold: 0.3", 0.3),
    ):
        lab.write("params.yaml", settings.replace(usual, text))
        lab.run("factory", "train")
        lab.run("factory", "report")
        assert json.loads(lab.text("models/model/signature.json"))["threshold"] == threshold
        assert f"is {threshold} or more" in lab.text("reports/report.html")
