"""The dashboards of deploy/grafana: the committed files are current and well formed, queries parse,
metrics exist, links lead somewhere.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from deploy.grafana.__main__ import BOARDS, FOLDER, stale
from deploy.grafana.board import NAMES
from deploy.grafana.panels import DOCS
from services.stats import answers
from tests.contract.test_rules import section
from tests.support.alerts import faults
from tests.support.prometheus import promtool
from tests.support.system import ROOT

PANEL: dict[str, Any] = {
    "type": "object",
    "required": ["id", "type", "title", "gridPos"],
    "properties": {
        "id": {"type": "integer", "minimum": 1},
        "type": {"enum": ["row", "stat", "timeseries", "bargauge", "table"]},
        "title": {"type": "string", "minLength": 3, "maxLength": 100},
        "gridPos": {
            "type": "object",
            "required": ["h", "w", "x", "y"],
            "additionalProperties": False,
            "properties": {
                "h": {"type": "integer", "minimum": 1},
                "w": {"type": "integer", "minimum": 1, "maximum": 24},
                "x": {"type": "integer", "minimum": 0, "maximum": 23},
                "y": {"type": "integer", "minimum": 0},
            },
        },
    },
    "if": {"properties": {"type": {"not": {"const": "row"}}}},
    "then": {
        "required": ["description", "datasource", "targets", "fieldConfig", "options"],
        "properties": {
            "description": {"type": "string", "minLength": 20},
            "targets": {
                "type": "array",
                "minItems": 1,
                "items": {"type": "object", "required": ["refId", "datasource"]},
            },
            "fieldConfig": {
                "type": "object",
                "required": ["defaults", "overrides"],
                "properties": {
                    "defaults": {"type": "object", "required": ["unit", "thresholds", "color"]}
                },
            },
        },
    },
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["uid", "title", "schemaVersion", "templating", "annotations", "links", "panels"],
    "properties": {
        "uid": {"type": "string", "pattern": "^[a-z-]{1,40}$"},
        "schemaVersion": {"const": 39},
        "panels": {"type": "array", "minItems": 1, "items": PANEL},
    },
}
CHOICES = {
    "$__rate_interval": "1m", "$__range": "1h",
    "$service": ".*", "$instance": ".*", "$section": ".*", "${window}": "24h",
}  # fmt: skip
"""Values of the variables."""


def read(key: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((FOLDER / f"{key}.json").read_text())
    return document


def panels(key: str) -> list[dict[str, Any]]:
    return [panel for panel in read(key)["panels"] if panel["type"] != "row"]


def queries(key: str) -> list[str]:
    """All PromQL of a dashboard: panels and marks."""
    document = read(key)
    marks = [mark["expr"] for mark in document["annotations"]["list"]]
    return marks + [t["expr"] for panel in panels(key) for t in panel["targets"] if "expr" in t]


def filled(text: str) -> str:
    for name, value in CHOICES.items():
        text = text.replace(name, value)
    return text


KEYS = pytest.mark.parametrize("key", NAMES)


def test_the_committed_files_are_what_the_code_writes() -> None:
    assert stale() == []
    assert {board.key for board in BOARDS} == set(NAMES)


@KEYS
def test_a_dashboard_fits_the_schema_and_its_panels_don_t_overlap(key: str) -> None:
    document = read(key)
    Draft202012Validator(SCHEMA).validate(document)
    assert document["uid"] == f"luotdoc-{key}"
    numbers = [panel["id"] for panel in document["panels"]]
    assert len(set(numbers)) == len(numbers)
    taken: set[tuple[int, int]] = set()
    for panel in document["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells
    titles = [panel["title"] for panel in document["panels"]]
    assert len(set(titles)) == len(titles)


@KEYS
def test_each_metric_of_a_panel_is_exposed_by_the_services_that_its_selector_names(
    key: str,
) -> None:
    found = {query: faults(query) for query in queries(key)}
    variables = [v["definition"] for v in read(key)["templating"]["list"] if v["type"] == "query"]
    found |= {query: faults(query) for query in variables}
    assert {query: wrong for query, wrong in found.items() if wrong} == {}


def test_each_query_parses(tmp_path: Path) -> None:
    every = [filled(query) for key in NAMES for query in queries(key)]
    assert not [query for query in every if "$" in query]
    group = [{"record": f"panel:{n}", "expr": query} for n, query in enumerate(every)]
    file = tmp_path / "panels.json"
    file.write_text(json.dumps({"groups": [{"name": "panels", "rules": group}]}))
    assert f"{len(every)} rules found" in promtool("check", "rules", "--lint=none", str(file))


@KEYS
def test_each_variable_is_used_and_each_used_one_exists(key: str) -> None:
    document = read(key)
    declared = {variable["name"] for variable in document["templating"]["list"]}
    text = json.dumps(document["panels"])
    used = set(re.findall(r"\$\{?(\w+)", text)) - {"__rate_interval", "__range", "__data"}
    assert used == declared


@KEYS
def test_links_lead_to_the_other_dashboards_and_to_the_runbook(key: str) -> None:
    document = read(key)
    urls = [link["url"] for link in document["links"]]
    assert urls[:-1] == [f"/d/luotdoc-{other}" for other in NAMES if other != key]
    urls += [link["url"] for panel in document["panels"] for link in panel.get("links", [])]
    anchors = [url.partition("#")[2] for url in urls if url.startswith(DOCS)]
    assert anchors[0] == "alerts"
    for anchor in anchors:
        assert section(anchor), f"docs/operations.md has no section #{anchor}"


@KEYS
def test_lines_are_understood_without_a_legend(key: str) -> None:
    """Title or description of a panel say which of several lines is which; lines of one label are
    named after it by the title ("per replica").
    """
    for panel in panels(key):
        if panel["type"] != "timeseries" or len(panel["targets"]) < 2:
            names = [t.get("legendFormat", "") for t in panel["targets"]]
            if panel["type"] == "timeseries" and "{{" in names[0]:
                assert "per replica" in panel["title"]
            continue
        said = f"{panel['title']} {panel['description']}".lower()
        for target in panel["targets"]:
            word = re.sub(r"\{\{.*", "", target["legendFormat"]).strip(" :").lower()
            assert any(part in said for part in word.split(" ")), (panel["title"], word)


def test_the_infinity_panels_ask_for_fields_that_stats_answers() -> None:
    known: dict[str, tuple[str, type[BaseModel]]] = {
        "/stats/site": ("", answers.Site),
        "/stats/top": ("items", answers.TopItem),
        "/stats/series": ("points", answers.Point),
    }
    asked = [t for key in NAMES for p in panels(key) for t in p["targets"] if "url" in t]
    assert len(asked) == 4
    for target in asked:
        root, model = known[target["url"].partition("?")[0]]
        assert target["root_selector"] == root
        for column in target["columns"]:
            assert column["selector"] in model.model_fields


def test_the_provisioned_data_sources_are_of_the_kinds_that_the_dashboards_ask_for() -> None:
    file = ROOT / "deploy/grafana/provisioning/datasources/luotdoc.yml"
    given = {source["type"] for source in yaml.safe_load(file.read_text())["datasources"]}
    variables = [v for key in NAMES for v in read(key)["templating"]["list"]]
    assert given == {v["query"] for v in variables if v["type"] == "datasource"}


def test_panels_leave_no_hole_beside_a_higher_one() -> None:
    """The two series of *Traffic* stand one below the other beside the table of articles."""
    places = {panel["title"]: panel["gridPos"] for panel in panels("traffic")}
    table = places["Most read articles of the last $window"]
    hours = places["Counted reads an hour, last 24 hours"]
    days = places["Counted reads a day, last 30 days"]
    assert (hours["x"], hours["y"]) == (table["w"], table["y"])
    assert (days["x"], days["y"]) == (table["w"], table["y"] + hours["h"])
    assert days["y"] + days["h"] == table["y"] + table["h"]
