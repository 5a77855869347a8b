"""The rules of deploy/prometheus: Prometheus takes them, each alert is tested and explained, and
each metric exists where its selector looks.
"""

import re
import subprocess
from typing import Any

import pytest
import yaml

from tests.support.alerts import (
    RULES,
    SERVICES,
    alerts,
    everything,
    exposed,
    faults,
    last_bounds,
    reachable,
    rules,
    selectors,
)
from tests.support.prometheus import promtool, tool
from tests.support.system import ROOT

FOLDER = ROOT / "deploy/prometheus"
TESTS = sorted((FOLDER / "tests").glob("*.yml"))
PAGE = ROOT / "docs/operations.md"
PLACE = "https://docs.example.org/luotdoc/operations.md#"


def section(anchor: str) -> str:
    """The text of the section of docs/operations.md with this anchor; empty without one."""
    for part in re.split(r"^#+ ", PAGE.read_text(), flags=re.MULTILINE)[1:]:
        heading, _, text = part.partition("\n")
        if re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") == anchor:
            return text
    return ""


def checks_of_alerts() -> list[dict[str, Any]]:
    """Every check of an alert in the promtool tests."""
    groups = [group for path in TESTS for group in yaml.safe_load(path.read_text())["tests"]]
    return [check for group in groups for check in group["alert_rule_test"]]


def test_prometheus_takes_configuration_and_rules_without_a_remark() -> None:
    for arguments in (
        ["config", str(FOLDER / "prometheus.yml")],
        ["rules", "--lint=all", *map(str, RULES)],
    ):
        said = promtool("check", *arguments)
        told = [line.strip() for line in said.splitlines() if line.strip()]
        assert [line for line in told if "SUCCESS" not in line and "Checking" not in line] == []


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_promtool_sees_the_alerts_fire_and_stay_quiet(path: Any) -> None:
    done = subprocess.run(
        [tool("promtool"), "test", "rules", str(path)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"


def test_each_alert_has_a_test_that_fires_it_and_one_that_keeps_it_quiet() -> None:
    checks = checks_of_alerts()
    names = {alert.name for alert in alerts()}
    assert {check["alertname"] for check in checks if check["exp_alerts"]} == names
    assert {check["alertname"] for check in checks if not check["exp_alerts"]} == names


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert.name)
def test_each_alert_waits_has_a_severity_and_leads_to_its_section(alert: Any) -> None:
    assert re.fullmatch(r"[1-9]\d*[mh]", alert.wait)
    assert alert.severity in ("critical", "warning")
    assert set(alert.annotations) == {"summary", "description", "runbook_url"}
    assert alert.annotations["summary"].endswith(".")
    assert alert.annotations["runbook_url"] == f"{PLACE}{alert.name.lower()}"
    text = section(alert.name.lower())
    assert text.lstrip().startswith(f"{alert.severity}, after {alert.wait}. **Means:** ")
    assert "**Look at:** " in text
    assert "**Do:** " in text


def test_the_runbook_has_no_section_of_an_alert_that_is_gone() -> None:
    found = re.findall(r"^### (Luotdoc\w+)$", PAGE.read_text(), re.MULTILINE)
    assert sorted(found) == sorted(alert.name for alert in alerts())


def test_each_metric_of_a_rule_is_exposed_by_the_services_that_its_selector_names() -> None:
    found = {rule.get("alert") or rule["record"]: faults(rule["expr"]) for rule in rules()}
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def test_each_threshold_of_a_histogram_can_be_passed_by_its_buckets() -> None:
    bounds = last_bounds()
    found = {rule["alert"]: reachable(rule["expr"], bounds) for rule in rules() if "alert" in rule}
    assert {name for name, each in found.items() if not all(each)} == set()
    asked = {
        rule["alert"]: rule["expr"].count("histogram_quantile")
        for rule in rules()
        if "alert" in rule
    }
    assert {name: len(each) for name, each in found.items()} == asked
    assert sum(asked.values()) >= 4


def test_a_threshold_behind_the_last_bucket_is_found() -> None:
    late = "histogram_quantile(0.9, sum by (le) (rate(luotdoc_x_bucket[5m])))"
    bounds = {"luotdoc_x": 30.0}
    both = f"up > 1 or {late} > 30 or {late} >= 30 or {late} > 29.5 or {late} >= 31"
    assert reachable(both, bounds) == [False, True, True, False]


def test_no_service_is_forgotten() -> None:
    """A metric that rules watch is watched at each of our services that exposes it."""
    watched: dict[str, set[str]] = {}
    for rule in rules():
        for selector in selectors(rule["expr"]):
            watched.setdefault(selector.metric, set()).update(selector.services or ())
    for metric, services in watched.items():
        by = {service for service in SERVICES if metric in exposed()[service]}
        assert by <= services, f"{metric} is also exposed by {by - services}"


@pytest.mark.parametrize(
    ("expression", "wrong"),
    [
        ('luotdoc_ready{service="ingest"} == 0', []),
        ("luotdoc_ready == 0", ["luotdoc_ready without a service"]),
        (
            'rate(luotdoc_reads_total{service="render"}[5m])',
            ["render does not expose luotdoc_reads_total"],
        ),
        (
            'luotdoc_flush_seconds_bucket{service=~"counter|stats"}',
            ["stats does not expose luotdoc_flush_seconds_bucket"],
        ),
        ('luotdoc_flush_seconds_bucket{service="counter", service=~"$service"}', []),
        ('luotdoc_ready{service=~"$service"}', ["luotdoc_ready without a service"]),
        ("luotdoc:nothing:rate5m", ["no rule records luotdoc:nothing:rate5m"]),
        ('up{part_of="luotdoc", service="counter"}', []),
        ('up{service="counter"}', ["up of other teams too"]),
        (
            'mongodb_up{part_of="luotdoc", service="rabbitmq"}',
            ["rabbitmq does not expose mongodb_up"],
        ),
        (
            'process_open_fds{part_of="luotdoc", service="counter"} / process_max_fds',
            ["process_max_fds of other teams too", "process_max_fds without a service"],
        ),
    ],
)
def test_a_metric_at_the_wrong_place_is_found(expression: str, wrong: list[str]) -> None:
    assert faults(expression) == wrong


def test_what_a_process_of_python_exposes_is_known() -> None:
    assert "process_start_time_seconds" in everything()["render"]
