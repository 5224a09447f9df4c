"""The page of a fleet: versions over time, waves, levels, and where they drift."""

from __future__ import annotations

import html
import re
from pathlib import Path

from mlfactory.fleet import charts, page
from mlfactory.fleet.catalog import Catalog, Entry, Shared
from mlfactory.fleet.production import Model
from mlfactory.fleet.status import Row

from .evolving import edited, mlfactory
from .test_fleet import Ground, git, ground
from .test_fleet_apply import run

__all__ = ["ground"]


def row(name: str, *adoption: tuple[str, str], newest: str = "v1.10.0", group: str = "") -> Row:
    return Row(name, "x", newest=newest, adoption=adoption, group=group, behind=1)


def test_versions_are_in_their_order_over_time() -> None:
    rows = [
        row("a", ("2026-01-01", "v1.2.0"), ("2026-01-11", "v1.10.0")),
        row("b", ("2026-01-06", "v1.2.0")),
        row("c", ("no day", "v9.9.9")),
    ]
    chart = charts.adoption(rows)
    assert [(band.name, band.count) for band in chart.bands] == [("v1.2.0", 1), ("v1.10.0", 1)]
    assert (chart.first, chart.top) == ("2026-01-01", 2)
    heights = {float(point.split(",")[1]) for point in chart.bands[0].points.split()}
    assert heights == {0.0, 100.0, 200.0}  # of two repositories one, both, and one again
    assert charts.adoption([]) == charts.Adoption()
    many = [row(f"r{n}", ("2026-01-01", f"v1.{n}.0")) for n in range(9)]
    assert charts.adoption(many).bands[0].name == "older"
    assert sum(band.count for band in charts.adoption(many).bands) == 9


def test_waves_are_counted_in_their_order() -> None:
    rows = [row("a", group="pilot"), Row("b", "x", group="pilot"), Row("c", "x", error="gone")]
    bars = charts.waves(rows, ("pilot", "early"))
    assert [(bar.name, bar.count) for bar in bars] == [("pilot", 2), ("early", 0), ("the rest", 1)]
    assert [(part.state, part.share) for part in bars[0].parts] == [("current", 50), ("behind", 50)]
    assert charts.waves(rows, ()) == ()


def test_the_page_says_how_far_all_of_them_are(ground: Ground) -> None:
    files: dict[str, str | None] = {
        "tests/test_it.py": "", "pyproject.toml": "[project]\nname = 'n'\n", "uv.lock": "1\n",
        "features.yaml": "columns: {a: {role: numeric}}\n",
    }  # fmt: skip
    ground.origin("north", {**files, "a.txt": edited(3, "ours")})
    ground.origin("south", {"features.yaml": "columns: {a: {assumed: true}}\n"})
    ground.write(
        "groups: [pilot]\nrepositories:\n- {path: origins/north.git, group: pilot}\n"
        "- path: origins/south.git\n"
    )
    mlfactory("fleet", "status", "--html", "page.html", cwd=ground.path)
    text = html.unescape((ground.path / "page.html").read_text())
    page = " ".join(re.sub(r"<[^>]+>", " ", text).split())
    for part in (
        "Versions over time", "2 repositories", "v1.0.0: 2", "pilot 1 in conflict",
        "the rest 1 behind", "tests 1 of 2: it has tests", "catalog 1 of 2", "lock 1 of 2",
        "monitored 0 of 2", "a.txt in 1", "3 of 5 tests, lock, catalog",
    ):  # fmt: skip
        assert part in page, part
    status = {row["name"]: row for row in ground.status()["repositories"]}
    assert [version for _, version in status["north"]["adoption"]] == ["v1.0.0"]
    run(ground, "plan", "south")
    run(ground, "apply", "--push")
    git("update-ref", "refs/heads/main", "mlfactory/update", cwd=ground.path / "origins/south.git")
    status = {row["name"]: row for row in ground.status()["repositories"]}
    assert [version for _, version in status["south"]["adoption"]] == ["v1.0.0", "v1.1.0"]


def test_what_cannot_be_looked_at_has_the_whole_line_for_it(tmp_path: Path) -> None:
    """In one narrow column a message of git's would be as high as a screen."""
    file, long = tmp_path / "page.html", "git fetch ended with 128: no such host <b>"
    rows = [
        row("a"),
        Row("b", "x", error=long, hint="git ls-remote"),
        Row("c", "x", skip="archived"),
    ]
    page.write(rows, file)
    body = file.read_text().partition("<tbody>")[2].partition("</tbody>")[0]
    lines = [re.findall(r"<t[hd][ >]", line) for line in body.split("<tr ")[1:]]
    assert [len(cells) for cells in lines] == [len(page.COLUMNS), 2, 2]
    assert body.count(f'colspan="{len(page.COLUMNS) - 1}"') == 2
    assert "no such host &lt;b&gt;<small>git ls-remote</small></td>" in body
    assert ">skipped: archived</td>" in body


def test_the_catalogs_page_shows_what_models_share(tmp_path: Path) -> None:
    model = Model("v1.0.0", "2026-01-01T00:00:00", "c")
    names = tuple(f"repository-{n}" for n in range(15))
    entries = (*(Entry(name, model=model) for name in names), Entry("none"))
    shared = (Shared("age<i>", names, ("crm.customers", "crm.old")),)
    page.write_catalog(Catalog(entries, shared), tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text().partition('id="shared"')[2]
    text = " ".join(re.sub(r"<[^>]+>", " ", text).split())
    for part in ("age&lt;i&gt; 15 repository-0,", "and 3 more", "crm.customers, crm.old"):
        assert part in text
    page.write_catalog(Catalog(entries, ()), tmp_path / "page.html")
    assert 'id="shared"' not in (tmp_path / "page.html").read_text()
