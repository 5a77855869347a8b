"""The rules of deploy/prometheus, and which process exposes which metric."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from luotdoc_subscriber.base import metrics as kit_metrics
from services.counter.metrics import ArchiveMetrics, CounterMetrics
from services.ingest.metrics import IngestMetrics
from services.render.metrics import RenderMetrics
from services.stats.live.metrics import LiveMetrics
from services.stats.metrics import StatsMetrics
from shared.base import metrics
from tests.support.system import ROOT

RULES = sorted((ROOT / "deploy/prometheus/rules").glob("*.yml"))
SERVICES = ("ingest", "render", "counter", "stats")
EXPORTERS = {
    # HAProxy's own exporter, as in 2.6
    "gateway": {"up", "haproxy_backend_active_servers"},
    # of the plugin rabbitmq_prometheus, as in RabbitMQ 3.10 and 4
    "rabbitmq": {
        "up",
        "rabbitmq_alarms_memory_used_watermark",
        "rabbitmq_alarms_free_disk_space_watermark",
        "rabbitmq_alarms_file_descriptor_limit",
    },
    # of percona/mongodb_exporter with --collector.diagnosticdata
    "mongodb": {"mongodb_up", "mongodb_rs_members_health", "mongodb_rs_members_optimeDate"},
}
"""Metrics of HAProxy and of the servers' exporters, by the label `service` that the scrape gives
them.
"""

_SERIES = re.compile(
    r"\b(?P<name>(?:luotdoc|process|rabbitmq|mongodb|haproxy)[_:][\w:]*|up)\b(?:\{(?P<labels>[^}]*)\})?"
)
_PART_OF = 'part_of="luotdoc"'
_QUANTILE = re.compile(
    r"histogram_quantile\([^>]*?\b(?P<name>luotdoc_\w+)_bucket\b[^>]*?"
    r"(?P<sign>>=?) (?P<threshold>[\d.]+)"
)
_OF_SERVICE = re.compile(r'\bservice(?P<operator>=~?)"(?P<value>[^"]*)"')


@dataclass(frozen=True)
class Alert:
    """An alerting rule."""

    name: str
    expression: str
    wait: str
    severity: str
    annotations: dict[str, str]


@dataclass(frozen=True)
class Selector:
    """A metric in an expression, and the values of `service` that its matchers let through; None
    without such a matcher. `ours`: it takes only series with our label.
    """

    metric: str
    services: frozenset[str] | None
    ours: bool = False


def rules() -> list[dict[str, Any]]:
    """Every rule of every file, as it is written."""
    groups = [group for path in RULES for group in yaml.safe_load(path.read_text())["groups"]]
    return [rule for group in groups for rule in group["rules"]]


def alerts() -> list[Alert]:
    """Every alerting rule."""
    return [
        Alert(
            rule["alert"],
            rule["expr"],
            rule.get("for", ""),
            rule["labels"]["severity"],
            rule["annotations"],
        )
        for rule in rules()
        if "alert" in rule
    ]


def recorded() -> set[str]:
    """The names of the recording rules."""
    return {rule["record"] for rule in rules() if "record" in rule}


def selectors(expression: str) -> list[Selector]:
    """The metrics that a PromQL expression reads. Variables of a dashboard let everything
    through.
    """
    return [
        Selector(
            found["name"], _services(found["labels"] or ""), _PART_OF in (found["labels"] or "")
        )
        for found in _SERIES.finditer(expression)
    ]


def _services(labels: str) -> frozenset[str] | None:
    chosen: frozenset[str] | None = None
    for matcher in _OF_SERVICE.finditer(labels):
        if matcher["value"].startswith("$"):
            continue
        values = matcher["value"].split("|") if matcher["operator"] == "=~" else [matcher["value"]]
        chosen = frozenset(values) if chosen is None else chosen & frozenset(values)
    return chosen


def faults(expression: str) -> list[str]:
    """What is wrong with the metrics of an expression: each one must be recorded by a rule, or be
    exposed by every service that its selector names. One whose name is not ours must ask for our
    label: another team may have a service of the same name.
    """
    found = []
    for selector in selectors(expression):
        if not (selector.ours or selector.metric.startswith("luotdoc")):
            found.append(f"{selector.metric} of other teams too")
        if ":" in selector.metric:
            if selector.metric not in recorded():
                found.append(f"no rule records {selector.metric}")
        elif selector.services is None:
            found.append(f"{selector.metric} without a service")
        else:
            found += [
                f"{service} does not expose {selector.metric}"
                for service in sorted(selector.services)
                if _sample(selector.metric) not in everything().get(service, set())
            ]
    return found


def _sample(name: str) -> str:
    return re.sub(r"_(bucket|sum|count)$", "", name) if name.startswith("luotdoc") else name


def everything() -> dict[str, set[str]]:
    """All metrics that rules and panels may name, by service; `up` is Prometheus' own."""
    process = {
        family.name + ("_total" if family.type == "counter" else "")
        for family in kit_metrics.new_registry().collect()
    }
    ours = exposed()
    return EXPORTERS | {service: ours[service] | process | {"up"} for service in SERVICES}


def exposed() -> dict[str, set[str]]:
    """The names of the metrics of ours that each service exposes; `subscriber` is a process of
    another team.
    """
    subscriber = (
        kit_metrics.Process,
        kit_metrics.ConnectionMetrics,
        kit_metrics.Queues,
        kit_metrics.Consuming,
    )
    kit = (metrics.Serving, *subscriber)
    return {
        "ingest": names(
            metrics.Serving,
            kit_metrics.Process,
            kit_metrics.ConnectionMetrics,
            metrics.Requests,
            kit_metrics.Publishing,
            metrics.SiteFileMetrics,
            IngestMetrics,
        ),
        "render": names(
            *kit,
            kit_metrics.Publishing,
            metrics.SiteFileMetrics,
            lambda registry: RenderMetrics(registry, ()),
        ),
        "counter": names(
            metrics.Serving,
            kit_metrics.Process,
            kit_metrics.ConnectionMetrics,
            kit_metrics.Queues,
            kit_metrics.Publishing,
            CounterMetrics,
            ArchiveMetrics,
        ),
        "stats": names(*kit, metrics.Requests, StatsMetrics, LiveMetrics),
        "subscriber": names(*subscriber),
    }


def names(*groups: Callable[[kit_metrics.Registry], object]) -> set[str]:
    """The metrics of some groups, as an expression names them."""
    registry = kit_metrics.new_registry()
    for group in groups:
        group(registry)
    found = list(registry.collect())
    return {
        family.name + ("_total" if family.type == "counter" else "")
        for family in found
        if family.name.startswith("luotdoc_")
    }


def last_bounds() -> dict[str, float]:
    """The highest finite bucket of each histogram of ours."""
    registry = kit_metrics.new_registry()
    kit_metrics.Consuming(registry).prepare("any")
    metrics.Requests(registry)
    IngestMetrics(registry)
    RenderMetrics(registry, ())
    CounterMetrics(registry)
    StatsMetrics(registry)
    found: dict[str, float] = {}
    for sample in (sample for family in registry.collect() for sample in family.samples):
        if sample.name.endswith("_bucket") and (bound := float(sample.labels["le"])) < math.inf:
            name = sample.name.removesuffix("_bucket")
            found[name] = max(bound, found.get(name, bound))
    return found


def reachable(expression: str, bounds: Mapping[str, float]) -> list[bool]:
    """For each comparison of a histogram's quantile with a threshold: can it be true?

    Prometheus never says a quantile above the highest finite bucket.
    """
    return [
        float(found["threshold"]) < bounds[found["name"]]
        or (found["sign"] == ">=" and float(found["threshold"]) == bounds[found["name"]])
        for found in _QUANTILE.finditer(expression)
    ]
