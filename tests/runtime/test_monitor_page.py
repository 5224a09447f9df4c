"""The monitor's page: what it found, for people, in one file."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from mlfactory_runtime.monitor.page import write
from mlfactory_runtime.records.monitoring import Monitored

from .factories import Factory
from .phone import PHONE
from .phone import measured as on_phone

EVIL = "<script>\"&' "
SECTIONS = ["What is wrong, and what to do", "What could not be seen", "How good is it?",
            "What does it see?", "What does it say?", "Is it in order?"]  # fmt: skip
EMPTY = {"meta", "br", "path", "rect", "circle"}


class Nesting(HTMLParser):
    """Fails on an element that is closed in the wrong place."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, _attributes: object) -> None:
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in EMPTY:
            assert self.open.pop() == tag, (tag, self.getpos())


def measured(value: float) -> dict[str, float]:
    return {"value": value, "low": value - 0.02, "high": value + 0.03}


def over_weeks(found: dict[str, Any]) -> Monitored:
    """What was found, as if weeks had gone before; names are as bad as they can be."""
    for one in (*found["features"], *found["checks"]):
        for key in {"name", "feature", "source", "owner", "message"} & one.keys():
            one[key] = EVIL + one[key]
    days = [f"2026-10-{day:02}T00:00:00Z" for day in range(1, 29, 3)]
    windows = [
        {"from": day, "to": day, "rows": 900, "labelled": 700 - 90 * k,
         "observed": {"log_loss": measured(0.3 + k / 50)} if k < 6 else None,
         "estimate": {"log_loss": measured(0.3), "accuracy": measured(0.9)}}
        for k, day in enumerate(days)
    ]  # fmt: skip
    values = {one["name"].replace(EVIL, f"drift:{EVIL}", 1): 0.02 for one in found["features"]}
    more = {"model": "m", "verdict": "healthy", "values": values, "breaches": [EVIL]}
    found["performance"]["windows"] = windows
    found["performance"]["estimate_was"] = {"windows": 6, "mean_error": 0.01, "within": 5}
    span = {"from": days[-2], "to": days[-1], "rows": 900, "length": "3d", "source": "log"}
    found["window"] = span | {"other_models": {}}
    found["history"] = [window | more for window in windows]
    return Monitored.model_validate(found)


@pytest.fixture
def pages(churn: Factory) -> dict[str, str]:
    """The page of a file that has drifted, and one of a log over weeks."""
    rows = pl.read_csv(churn.path / "data/raw/customers.csv")
    dearer = rows.with_columns((pl.col("price €") + 40).alias("price €"))
    dearer.write_csv(churn.path / "dearer.csv")
    told = ("--current", "dearer.csv", "--json", "--html", "file.html")
    found = churn.json("monitor", *told, code=4)
    assert found["verdict"] == "alarm"
    write(churn.project, over_weeks(found), churn.path / "page.html")
    return {"file": churn.text("file.html"), "weeks": churn.text("page.html")}


def test_it_is_whole_and_needs_nothing_else(pages: dict[str, str]) -> None:
    for page in pages.values():
        nesting = Nesting()
        nesting.feed(page)
        assert nesting.open == []
        assert "default-src 'none'" in page
        assert not re.findall(r"(?:src|href|url|@import)\s*[=(]", page)
        assert "<script" not in page
        assert len(page.encode()) < 200_000


def test_it_says_what_is_wrong_whom_to_ask_and_what_to_do(pages: dict[str, str]) -> None:
    page = pages["file"]
    assert re.findall("<h2>(.*?)</h2>", page) == SECTIONS
    assert '<div class="verdict alarm">' in page
    assert "<b>A feature has drifted.</b> What to do: look at the two distributions" in page
    assert '<figcaption class="name"><code>price €</code>' in page
    assert "from <code>customers.csv</code>" in page
    assert "Window by window" in pages["weeks"]
    assert "10% → " in page


def test_it_fits_on_a_phone(pages: dict[str, str], tmp_path: Path) -> None:
    for name, page in pages.items():
        (tmp_path / name).mkdir()
        assert on_phone(page, tmp_path / name) == {"width": PHONE, "out": [], "upon": []}
