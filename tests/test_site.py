"""The documentation as a site, built strictly, and read and searched without a server."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import ROOT
from .runtime.phone import QUIET, find_browser

DOCS = ROOT / "docs"
PAGES = sorted(path.relative_to(DOCS).with_suffix("") for path in DOCS.rglob("*.md"))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("site")
    build = (sys.executable, "-m", "sphinx", "--quiet", "--fail-on-warning", "--keep-going")
    result = subprocess.run([*build, DOCS, place], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    return place


def test_the_index_leads_to_every_page(site: Path) -> None:
    links = set(re.findall(r'href="([^"#:]+)\.html"', (site / "index.html").read_text("utf-8")))
    assert {page.as_posix() for page in PAGES} - {"index"} <= links


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    loads = re.compile(r'<(?:script|img|link|iframe)[^>]+(?:src|href)="(?:https?:)?//[^"]*"')
    for page in site.rglob("*.html"):
        assert loads.findall(page.read_text("utf-8")) == [], page


def test_one_can_search_it_as_files(site: Path, tmp_path: Path) -> None:
    address = f"{(site / 'search.html').as_uri()}?q=quarantine"
    more = (f"--user-data-dir={tmp_path}", "--virtual-time-budget=20000", address)
    argv = [find_browser(), *QUIET, *more]
    page = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
    assert re.search(r"found \d+ pages? matching", page)
    assert 'href="how-to/score-a-batch.html' in page
