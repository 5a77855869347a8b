"""The table of alerts in docs/operations.md, and which process exposes which metric."""

import re
from dataclasses import dataclass

from luotdoc_subscriber.base import metrics as kit_metrics
from services.counter.metrics import CounterMetrics
from services.ingest.metrics import IngestMetrics
from services.render.metrics import RenderMetrics
from services.stats.metrics import StatsMetrics
from shared.base import metrics
from tests.support.system import ROOT

PAGE = ROOT / "docs/operations.md"
SERVICES = ("ingest", "render", "counter", "stats")

_ROW = re.compile(
    r"^\| `(?P<expression>[^`]+)` \| (?P<wait>\d+m) \| (?P<services>[a-z, ]+) \|", re.MULTILINE
)


@dataclass(frozen=True)
class Alert:
    """A row: a PromQL expression, how long it must hold, and the services that its metrics come
    from.
    """

    expression: str
    wait: str
    services: tuple[str, ...]

    @property
    def metrics(self) -> set[str]:
        """The metrics in the expression, a histogram by its own name."""
        named = re.findall(r"\bluotdoc_[a-z_]*[a-z]\b", self.expression)
        return {name.removesuffix("_bucket") for name in named}


def alerts() -> list[Alert]:
    """Every row of the table."""
    section = PAGE.read_text().partition("## Metrics worth an alert\n")[2].partition("\n## ")[0]
    return [
        Alert(
            row["expression"],
            row["wait"],
            SERVICES if row["services"] == "all" else tuple(row["services"].split(", ")),
        )
        for row in _ROW.finditer(section)
    ]


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
            IngestMetrics,
        ),
        "render": names(*kit, kit_metrics.Publishing, lambda registry: RenderMetrics(registry, ())),
        "counter": names(
            metrics.Serving,
            kit_metrics.Process,
            kit_metrics.ConnectionMetrics,
            kit_metrics.Queues,
            kit_metrics.Publishing,
            CounterMetrics,
        ),
        "stats": names(*kit, metrics.Requests, StatsMetrics),
        "subscriber": names(*subscriber),
    }


def names(*groups: object) -> set[str]:
    """The metrics of some groups, as an expression names them."""
    registry = kit_metrics.new_registry()
    for group in groups:
        assert callable(group)
        group(registry)
    found = list(registry.collect())
    return {
        family.name + ("_total" if family.type == "counter" else "")
        for family in found
        if family.name.startswith("luotdoc_")
    }
