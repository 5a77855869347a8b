"""What a dashboard consists of: queries, panels, variables, and their JSON for Grafana. Pure.

Plain dictionaries in Grafana's classic format (schemaVersion 39), which Grafana 10.4 and later
load. Data sources are variables, so a dashboard fits any Grafana that has both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from deploy.grafana.options import Json, PanelKind, Style, options, override, styled

METRICS = {"type": "prometheus", "uid": "${metrics}"}
STATS = {"type": "yesoreyeram-infinity-datasource", "uid": "${stats}"}
DOCS = "https://docs.example.org/luotdoc/operations.md"
"""Where docs/operations.md can be read. The rules name the same address."""
COLUMNS = 24
"""Width of a dashboard in Grafana's grid."""


@dataclass(frozen=True)
class PromQuery:
    """PromQL. `name` is what its series are called, with labels as {{label}}; `style` is how their
    lines look. A panel of the kind timeseries asks for a range, the others for the last value.
    """

    expr: str
    name: str
    style: Style | None = None


@dataclass(frozen=True)
class Column:
    """A field of the answer's items, what the panel calls it, and its type. A field within a field
    is `outer.inner`; `timestamp_epoch` is a time in milliseconds.
    """

    selector: str
    name: str
    kind: Literal["string", "number", "timestamp_epoch"] = "number"


@dataclass(frozen=True)
class Fetch:
    """A path of stats, read through the Infinity data source. `root` leads to the answer's items,
    or is empty if the answer is one item.
    """

    path: str
    root: str
    columns: tuple[Column, ...]


@dataclass(frozen=True)
class Threshold:
    """A value at which a panel's colour changes; the first one of a panel is `None`."""

    value: float | None
    color: str


def limits(*bounds: float) -> tuple[Threshold, ...]:
    """Green, yellow from the first bound, red from the last."""
    colors = ["yellow", "red"][-len(bounds) :]
    return (
        Threshold(None, "green"),
        *(Threshold(*pair) for pair in zip(bounds, colors, strict=True)),
    )


@dataclass(frozen=True)
class Panel:
    """One panel.

    `unit` is one of Grafana's unit ids. `help` says what the panel shows and what to do. `runbook`
    is the name of the alert that watches the same. `renamed` maps a series' name to one for
    people; `empty` is the text without data; `repeat` is a variable, for one panel per value.
    `stacked` bars stand one on the other; those named in `gray` have no colour.
    """

    title: str
    kind: PanelKind
    source: Sequence[PromQuery] | Fetch
    unit: str
    help: str
    width: int = 8
    height: int = 7
    thresholds: tuple[Threshold, ...] = (Threshold(None, "blue"),)
    runbook: str = ""
    renamed: Mapping[str, str] = field(default_factory=dict)
    said: Mapping[float, tuple[str, str]] = field(default_factory=dict)
    empty: str = ""
    repeat: str = ""
    link: tuple[str, str] | None = None
    hidden: str = ""
    decimals: int | None = None
    maximum: float | None = None
    minimum: int | None = 0
    """Where bars begin; None where numbers may be below 0."""
    stacked: bool = False
    gray: tuple[str, ...] = ()

    def json(self, number: int, x: int, y: int) -> Json:
        """The panel at column x and row y of the grid."""
        infinity = isinstance(self.source, Fetch)
        panel: Json = {
            "id": number,
            "type": self.kind,
            "title": self.title,
            "description": self.help,
            "datasource": STATS if infinity else METRICS,
            "gridPos": {"h": self.height, "w": self.width, "x": x, "y": y},
            "targets": self._targets(),
            "fieldConfig": {"defaults": self._defaults(), "overrides": self._overrides()},
            "options": options(self.kind),
        }
        if self.runbook:
            url = f"{DOCS}#{self.runbook.lower()}"
            panel["links"] = [{"title": "What to do", "url": url, "targetBlank": True}]
        if self.repeat:
            panel |= {"repeat": self.repeat, "repeatDirection": "h", "maxPerRow": 6}
        return panel

    def _targets(self) -> list[Json]:
        if isinstance(self.source, Fetch):
            return [_fetch(self.source, self.kind)]
        live = self.kind == "timeseries"
        return [
            {
                "refId": chr(ord("A") + number),
                "datasource": METRICS,
                "expr": query.expr,
                "legendFormat": query.name,
                "range": live,
                "instant": not live,
                "editorMode": "code",
            }
            for number, query in enumerate(self.source)
        ]

    def _defaults(self) -> Json:
        defaults: Json = {
            "unit": self.unit,
            "color": {"mode": "thresholds"},
            "thresholds": {
                "mode": "absolute",
                "steps": [{"value": step.value, "color": step.color} for step in self.thresholds],
            },
        }
        if self.kind == "timeseries":
            defaults["color"] = {"mode": "palette-classic"}
            defaults["custom"] = {"drawStyle": "line", "fillOpacity": 8, "showPoints": "never"}
            defaults["min"] = 0
            if self.stacked:
                defaults["custom"]["stacking"] = {"mode": "normal", "group": "A"}
            if len(self.thresholds) > 1:
                defaults["custom"]["thresholdsStyle"] = {"mode": "line"}
        if self.kind == "bargauge" and self.minimum is not None:
            defaults["min"] = self.minimum
        optional = {"noValue": self.empty, "decimals": self.decimals, "max": self.maximum}
        defaults |= {key: value for key, value in optional.items() if value not in ("", None)}
        if self.said:
            told = {
                f"{value:g}": {"text": text, "color": color}
                for value, (text, color) in self.said.items()
            }
            defaults["mappings"] = [{"type": "value", "options": told}]
        return defaults

    def _overrides(self) -> list[Json]:
        rules = [override(name, "displayName", shown) for name, shown in self.renamed.items()]
        if isinstance(self.source, Fetch):
            columns = self.source.columns
            rules += [override(c.name, "unit", "string") for c in columns if c.kind == "string"]
            if self.kind == "timeseries":
                rules += [
                    styled(column.name, "bars") for column in columns if column.kind == "number"
                ]
        else:
            rules += [styled(query.name, query.style) for query in self.source if query.style]
        if self.link:
            column, url = self.link
            value = [{"title": "Open", "url": url, "targetBlank": True}]
            rules.append(override(column, "links", value))
        gray = {"mode": "fixed", "fixedColor": "gray"}
        rules += [override(name, "color", gray) for name in self.gray]
        if self.hidden:
            rules.append(override(self.hidden, "custom.hidden", True))
        return rules


def _fetch(source: Fetch, kind: PanelKind) -> Json:
    return {
        "refId": "A",
        "datasource": STATS,
        "type": "json",
        "parser": "backend",
        "source": "url",
        "format": "timeseries" if kind == "timeseries" else "table",
        "url": source.path,
        "url_options": {"method": "GET", "data": ""},
        "root_selector": source.root,
        "columns": [
            {"selector": column.selector, "text": column.name, "type": column.kind}
            for column in source.columns
        ],
    }
