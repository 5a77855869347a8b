"""What a panel gets: the series of its PromQL from Prometheus, the fields of its queries of
stats.
"""

import math
import re
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.support.prometheus import Prometheus
from tests.watch.boards import Shown, Span

Point = tuple[float, float]


@dataclass(frozen=True)
class Series:
    """One series of a query under its name in the panel; finite values only, by seconds since
    1970.
    """

    name: str
    query: str
    """The query's legend, by which overrides find its lines."""
    points: list[Point]

    @property
    def last(self) -> float:
        """What a panel that shows one value takes."""
        return self.points[-1][1]


@dataclass
class Answer:
    """What a panel gets. `complaints` says which queries have no data, and what is wrong with the
    answers of stats; `silent` names queries whose values are 0 at all times of the run.
    """

    panel: Shown
    queries: int = 0
    series: list[Series] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)


def ask(prometheus: Prometheus, stats: str, panel: Shown, span: Span, picked: Span) -> Answer:
    """All queries of a panel, each as the panel asks it: Prometheus for `span`, `stats`, at its
    address, for the time `picked`.
    """
    answer = Answer(panel)
    asked = [target for target in panel.json.get("targets", []) if "expr" in target]
    for target, expression in zip(asked, panel.expressions(span), strict=True):
        answer.queries += 1
        course = over(prometheus, expression, span)
        found = course if target["range"] else at(prometheus, expression, span.end)
        named = [(label(target["legendFormat"], labels), points) for labels, points in found]
        answer.series += [Series(name, target["legendFormat"], points) for name, points in named]
        if not found:
            answer.complaints.append(f"no data: {expression}")
        elif not any(value for _, points in course for _, value in points):
            answer.silent.append(expression)
    for target in panel.fetches(picked):
        answer.queries += 1
        _fetch(answer, target, f"{stats}{target['url']}")
    return answer


def over(prometheus: Prometheus, expression: str, span: Span) -> list[tuple[dict[str, str], Any]]:
    """The series of an expression over the span: labels and finite points."""
    data = prometheus.ask(
        "query_range",
        query=expression,
        start=str(span.start),
        end=str(span.end),
        step=f"{span.step}s",
    )
    found = [(one["metric"], _finite(one["values"])) for one in data["result"]]
    return [(labels, points) for labels, points in found if points]


def at(prometheus: Prometheus, expression: str, moment: float) -> list[tuple[dict[str, str], Any]]:
    """The series of an expression at a moment, as `over` gives them, with one point each."""
    data = prometheus.ask("query", query=expression, time=str(moment))
    found = [(one["metric"], _finite([one["value"]])) for one in data["result"]]
    return [(labels, points) for labels, points in found if points]


def _finite(values: list[tuple[float, str]]) -> list[Point]:
    points = [(float(moment), float(value)) for moment, value in values]
    return [(moment, value) for moment, value in points if math.isfinite(value)]


def label(legend: str, labels: dict[str, str]) -> str:
    """A series' name: the legend with the values of its labels."""
    return re.sub(r"\{\{(\w+)\}\}", lambda name: labels.get(name[1], ""), legend).strip()


def _fetch(answer: Answer, target: dict[str, Any], url: str) -> None:
    """Read an answer of stats as Infinity does: the root, then a column for each selector."""
    response = httpx.get(url, timeout=10)
    if response.status_code != 200:
        answer.complaints.append(f"{response.status_code}: {url}")
        return
    items = response.json()
    for key in filter(None, target["root_selector"].split(".")):
        items = items[key]
    items = items if isinstance(items, list) else [items]
    if not items:
        answer.complaints.append(f"no items: {url}")
    over_time = target["root_selector"] == "points"
    for column in target["columns"]:
        found = [inner(item, column["selector"]) for item in items]
        if items and all(value is None for value in found):
            answer.complaints.append(f"no data: {column['selector']} of {url}")
            continue
        for value in found:
            unknown = value is None and over_time  # before the first counted read
            if not unknown and not _fits(value, column["type"]):
                answer.complaints.append(f"{column['selector']} is {value!r}: {url}")
    answer.rows += [
        {column["text"]: inner(item, column["selector"]) for column in target["columns"]}
        for item in items
    ]


def inner(item: dict[str, Any], selector: str) -> Any:
    """The field `outer.inner` of an item; None if there is none."""
    value: Any = item
    for key in selector.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _fits(value: Any, kind: str) -> bool:
    if kind == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind == "timestamp_epoch":
        return isinstance(value, int) and 1e12 < value < 1e13
    return isinstance(value, str) and bool(value)
