"""The dashboard in the docs shows what the service counts."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import promql_parser
import pytest

from ..conftest import ROOT
from .conftest import TASKS
from .services import Service, sent

pytestmark = pytest.mark.xdist_group("serving")
DASHBOARD = ROOT / "docs/how-to/grafana.json"
SCRAPED = {"instance", "job"}  # labels that Prometheus adds
BUILT_IN = {"$__rate_interval": "5m", "$__range": "1h"}


def expressions() -> list[dict[str, Any]]:
    panels = json.loads(DASHBOARD.read_text("utf-8"))["panels"]
    return [target for panel in panels for target in panel["targets"]]


def selected(text: str) -> dict[str, set[str]]:
    """The metrics of an expression, each with the labels that it is asked for."""
    for name, value in BUILT_IN.items():
        text = text.replace(name, value)
    found: dict[str, set[str]] = defaultdict(set)

    def visit(node: Any) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            found[node.name] |= {one.name for one in node.matchers.matchers}

    promql_parser.walk(promql_parser.parse(text), visit)
    grouped = re.findall(r"by \(([^)]*)\) \((?:rate\()?(\w+)", text)
    for labels, name in grouped:
        found[name] |= set(labels.split(", "))
    return found


def exposed(text: str) -> dict[str, set[str]]:
    """The metrics of an answer of /metrics, each with its labels."""
    lines = re.findall(r"^(factory_\w+)(?:\{(.*)\})? ", text, re.MULTILINE)
    return {name: set(re.findall(r'(\w+)="', labels)) for name, labels in lines}


@pytest.fixture(scope="module", params=["binary", *TASKS])
def service(request: pytest.FixtureRequest, services: Callable[[str], Service]) -> Service:
    """The service of a factory of each task."""
    return services(request.param)


def test_every_query_finds_what_it_asks_for(service: Service) -> None:
    trained = service.trained
    service.json("/predict", sent(trained.rows.drop_nulls().head(3), trained))
    counted = exposed(service.ask("/metrics")[2].decode())
    for target in expressions():
        for name, labels in selected(target["expr"]).items():
            assert labels - SCRAPED <= counted[name], target["expr"]


def test_everything_that_the_service_counts_is_shown(service: Service) -> None:
    shown = {name for target in expressions() for name in selected(target["expr"])}
    counted = set(exposed(service.ask("/metrics")[2].decode()))
    assert {name for name in counted if not name.endswith("_created")} == shown


def test_every_legend_names_labels_that_are_kept() -> None:
    for target in expressions():
        kept = ", ".join(re.findall(r"by \(([^)]*)\)", target["expr"])).split(", ")
        assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= set(kept)


def test_panels_lie_beside_each_other_and_take_their_source_from_a_variable() -> None:
    dashboard = json.loads(DASHBOARD.read_text("utf-8"))
    assert dashboard["templating"]["list"][0]["type"] == "datasource"
    taken: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        cells = {
            (place["x"] + right, place["y"] + down)
            for right in range(place["w"])
            for down in range(place["h"])
        }
        assert not taken & cells and max(x for x, _ in cells) < 24
        taken |= cells
        sources = [panel, *panel["targets"]]
        assert {one["datasource"]["uid"] for one in sources} == {"${datasource}"}
