"""The dashboards of deploy/grafana: the committed files are current and well formed, queries parse,
metrics exist, links lead somewhere.
"""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
import yaml
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from deploy.grafana.__main__ import BOARDS, FOLDER, stale
from deploy.grafana.board import NAMES, StepVariable
from deploy.grafana.panels import DOCS
from deploy.grafana.traffic_figures import LAST_STEP, STEPS, WINDOWS
from services.stats import answers
from services.stats.readers.answers import ReadersPoint
from shared.rabbit.batch import DEVICES, FILTERED_CLASSES, OTHER_CLASS, PEOPLE, REFERRERS
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
GRAFANAS = {"__rate_interval", "__range", "__data", "__from", "__to"}
"""Grafana's own variables."""
ITEMS: dict[str, tuple[str, type[BaseModel]]] = {
    "/stats/site": (r"|compared\.(today|yesterday|week|month)", answers.Site),
    "/stats/top": ("items", answers.TopItem),
    "/stats/trending": ("items", answers.TrendingItem),
    "/stats/sections": ("sections", answers.SectionFigures),
    "/stats/series": ("points", answers.Point),
    "/stats/readers": ("points", ReadersPoint),
}
"""By path of stats: where the answer's items are, and their model."""
OF_A_SPLIT = {
    "class": {*PEOPLE, *FILTERED_CLASSES, OTHER_CLASS},
    "referrer": {*REFERRERS, "not_known"},
    "device": {*DEVICES, "not_known"},
}
"""The classes of each `split` of a series."""


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
    used = set(re.findall(r"\$\{?(\w+)", text)) - GRAFANAS
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


def fetched() -> list[dict[str, Any]]:
    """All queries of stats."""
    return [t for key in NAMES for p in panels(key) for t in p["targets"] if "url" in t]


def test_the_infinity_panels_ask_for_fields_that_stats_answers() -> None:
    asked = fetched()
    assert {target["url"].partition("?")[0] for target in asked} == set(ITEMS)
    for target in asked:
        pattern, model = ITEMS[target["url"].partition("?")[0]]
        root = target["root_selector"]
        assert re.fullmatch(pattern, root), root
        known = set(answers.PeriodPairReads.model_fields if root[:8] == "compared" else
                    model.model_fields)  # fmt: skip
        if split := re.search(r"split=(\w+)", target["url"]):
            known |= {f"by.{name}" for name in OF_A_SPLIT[split[1]]}
            assert {c["selector"] for c in target["columns"]} == {"time", *known} - (
                set(answers.Point.model_fields) - {"time"}
            )
        for column in target["columns"]:
            assert column["selector"] in known


def test_the_queries_of_stats_are_parameters_that_it_has() -> None:
    """The values of each list, the times of the picker and every step are valid."""
    document = json.loads((ROOT / "docs/openapi/stats.json").read_text())
    variables = read("traffic")["templating"]["list"]
    custom = [v for v in variables if v["type"] == "custom"]
    lists = {v["name"]: [option["value"] for option in v["options"]] for v in custom}
    lists["step"] = [*STEPS, LAST_STEP]
    moment = "2026-11-23T07:00:00.000Z"
    for target in fetched():
        path, _, query = target["url"].partition("?")
        schemas = {p["name"]: p["schema"] for p in document["paths"][path]["get"]["parameters"]}
        text = re.sub(r"\$\{__(from|to):date:iso\}", moment, query)
        for name, value in parse_qsl(text):
            chosen = re.fullmatch(r"\$\{(\w+)\}", value)
            for one in lists[chosen[1]] if chosen else [value]:
                given: object = int(one) if one.isdigit() else one
                Draft202012Validator(schemas[name]).validate(given)


def test_a_series_of_any_time_that_is_picked_has_at_most_2000_points() -> None:
    """The step of the longest time that it serves; a bar more at each end."""
    hours = {"hour": 1, "day": 24, "week": 7 * 24}
    assert set(STEPS) == set(hours)
    for step, days in STEPS.items():
        assert days * 24 / hours[step] + 2 <= 2000
    expression = StepVariable("step", "", {"hour": 8, "day": 400}, "week").json()["definition"]
    assert expression == (
        'query_result(label_replace(vector($__range_s) <= 691200, "step", "hour", "", "") or '
        'label_replace(vector($__range_s) > 691200 <= 34560000, "step", "day", "", "") or '
        'label_replace(vector($__range_s) > 34560000, "step", "week", "", ""))'
    )


def test_the_list_of_windows_has_every_named_one() -> None:
    document = json.loads((ROOT / "docs/openapi/stats.json").read_text())
    parameters = document["paths"]["/stats/top"]["get"]["parameters"]
    (pattern,) = [p["schema"]["pattern"] for p in parameters if p["name"] == "window"]
    named = [one for one in pattern.strip("^()$").split("|") if re.fullmatch(r"\w+", one)]
    assert list(WINDOWS) == named


def test_the_provisioned_data_sources_are_of_the_kinds_that_the_dashboards_ask_for() -> None:
    file = ROOT / "deploy/grafana/provisioning/datasources/luotdoc.yml"
    given = {source["type"] for source in yaml.safe_load(file.read_text())["datasources"]}
    variables = [v for key in NAMES for v in read(key)["templating"]["list"]]
    assert given == {v["query"] for v in variables if v["type"] == "datasource"}


@KEYS
def test_panels_leave_no_hole_above_them(key: str) -> None:
    """Each panel stands on a row's heading or on panels, with all of its width."""
    places = [panel["gridPos"] for panel in read(key)["panels"]]
    bottoms = {(x, p["y"] + p["h"]) for p in places for x in range(p["x"], p["x"] + p["w"])}
    for place in places:
        if place["w"] < 24:
            assert {(x, place["y"]) for x in range(place["x"], place["x"] + place["w"])} <= bottoms
