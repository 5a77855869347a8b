"""The committed dashboards as Grafana would ask: variables filled in, repeated panels repeated."""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from deploy.grafana.__main__ import FOLDER
from deploy.grafana.board import NAMES
from tests.support.prometheus import Prometheus

Json = dict[str, Any]
SCRAPE_SECONDS = 1
"""The data source's interval: Prometheus scrapes that often here, and each 15 s elsewhere."""


@dataclass(frozen=True)
class Span:
    """The time that a dashboard shows, in seconds since 1970, and the resolution of its lines."""

    start: float
    end: float
    step: int = 1

    def filled(self, text: str) -> str:
        """`text` with Grafana's own variables of time."""
        rate = max(self.step + SCRAPE_SECONDS, 4 * SCRAPE_SECONDS)
        whole = math.ceil(self.end - self.start)
        text = text.replace("$__range_s", f"{whole}").replace("$__range", f"{whole}s")
        for name, moment in (("from", self.start), ("to", self.end)):
            told = datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")
            text = text.replace(f"${{__{name}:date:iso}}", told.replace("+00:00", "Z"))
        return text.replace("$__rate_interval", f"{rate}s")


@dataclass(frozen=True)
class Shown:
    """A panel as it is shown: `json` with its place, `title` and queries with the variables'
    values.
    """

    json: Json
    title: str
    choice: Mapping[str, str]

    @property
    def kind(self) -> str:
        """`row`, `stat`, `timeseries`, `bargauge` or `table`."""
        return str(self.json["type"])

    def expressions(self, span: Span) -> list[str]:
        """Its PromQL."""
        targets = [target["expr"] for target in self.json.get("targets", []) if "expr" in target]
        return [span.filled(fill(expression, self.choice)) for expression in targets]

    def fetches(self, span: Span) -> list[Json]:
        """Its queries of stats, with `url` filled in."""
        targets = [target for target in self.json.get("targets", []) if "url" in target]
        return [
            target | {"url": span.filled(fill(target["url"], self.choice))} for target in targets
        ]


def fill(text: str, choice: Mapping[str, str]) -> str:
    """`text` with the values of the variables `$name` and `${name}`."""
    for name, value in choice.items():
        for found in set(re.findall(rf"\$\{{{name}\}}|\${name}\b", text)):
            text = text.replace(found, value)
    return text


@dataclass(frozen=True)
class Board:
    """One dashboard, as `deploy/grafana/dashboards` has it."""

    key: str
    json: Json

    def marks(self) -> list[str]:
        """The PromQL of its annotations."""
        return [mark["expr"] for mark in self.json["annotations"]["list"]]

    def variables(self) -> list[Json]:
        """Its variables, without the data sources."""
        return [v for v in self.json["templating"]["list"] if v["type"] != "datasource"]

    def at_first(self, end: float) -> Span:
        """The time that it shows when it is opened at the moment `end`."""
        found = re.fullmatch(r"now-(\d+)h", self.json["time"]["from"])
        assert found, self.json["time"]
        return Span(end - 3600 * int(found[1]), end)


def boards() -> list[Board]:
    """All three."""
    return [Board(key, json.loads((FOLDER / f"{key}.json").read_text())) for key in NAMES]


def values(prometheus: Prometheus, variable: Json, span: Span) -> list[str]:
    """What a variable lets choose, without All: Prometheus' values of a label or series, or a
    list.
    """
    if variable["type"] == "custom":
        return [option["value"] for option in variable["options"]]
    if result := re.fullmatch(r"query_result\((.+)\)", variable["definition"]):
        data = prometheus.ask("query", query=span.filled(result[1]), time=str(span.end))
        found_by = re.compile(variable["regex"].strip("/"))
        return [
            found[1]
            for one in data["result"]
            for key, value in one["metric"].items()
            if (found := found_by.search(f'{{{key}="{value}"}}'))
        ]
    found = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["definition"])
    assert found, variable["definition"]
    selector = re.sub(r"\$\w+", ".*", found[1])
    return sorted(prometheus.ask(f"label/{found[2]}/values", **{"match[]": selector}))


def shown(
    board: Board, options: Mapping[str, Sequence[str]], chosen: Mapping[str, str] | None = None
) -> Iterator[Shown]:
    """The panels with their variables as `chosen`, or at the start: All, or the list's first
    choice. A repeated panel appears once for each of its values in `options`, side by side.
    """
    first = {v["name"]: v.get("allValue") or str(v["current"]["value"]) for v in board.variables()}
    first |= chosen or {}
    texts = {f"{v['name']}:text": str(v.get("current", {}).get("text")) for v in board.variables()}
    titled = first | texts
    moved = 0
    for panel in board.json["panels"]:
        place = panel.get("gridPos", {}) | {"y": panel["gridPos"]["y"] + moved}
        if "repeat" not in panel:
            yield Shown(panel | {"gridPos": place}, fill(panel["title"], titled), first)
            continue
        repeated = options.get(panel["repeat"]) or [""]
        across = min(len(repeated), panel["maxPerRow"])
        wide = 24 // across
        for number, value in enumerate(repeated):
            row, column = divmod(number, across)
            at = place | {"x": column * wide, "w": wide, "y": place["y"] + row * place["h"]}
            choice = first | {panel["repeat"]: value}
            yield Shown(panel | {"gridPos": at}, fill(panel["title"], choice), choice)
        moved += place["h"] * (math.ceil(len(repeated) / across) - 1)
