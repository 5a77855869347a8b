"""A dashboard: variables, rows of panels, links to the other dashboards, marks of deployments.
Pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from deploy.grafana.options import Json
from deploy.grafana.panels import COLUMNS, DOCS, METRICS, Panel

ALL = 'service=~"ingest|render|counter|stats"'
PART_OF = 'part_of="luotdoc"'
"""The label of our series, for metrics whose names other teams' processes have too."""
NAMES = {"traffic": "Traffic", "pipeline": "Pipeline", "service": "Services"}
"""The dashboards' file names and titles."""


@dataclass(frozen=True)
class LabelVariable:
    """A choice of the values of `label`, all by default; `series` is where they are found."""

    name: str
    title: str
    series: str
    label: str

    def json(self) -> Json:
        """The variable for Grafana."""
        query = f"label_values({self.series}, {self.label})"
        return {
            "name": self.name,
            "label": self.title,
            "type": "query",
            "datasource": METRICS,
            "definition": query,
            "query": {"query": query, "refId": self.name},
            "refresh": 2,
            "sort": 1,
            "multi": True,
            "includeAll": True,
            "allValue": ".*",
            "current": {"text": "All", "value": "$__all"},
        }


@dataclass(frozen=True)
class ListVariable:
    """A choice of one of `values`, at first the one `chosen`. `texts` says what people see; without
    one they see the value.
    """

    name: str
    title: str
    values: tuple[str, ...]
    chosen: str
    texts: Mapping[str, str] = field(default_factory=dict)

    def json(self) -> Json:
        """The variable for Grafana."""
        return {
            "name": self.name,
            "label": self.title,
            "type": "custom",
            "query": ",".join(
                f"{self.texts[value]} : {value}" if value in self.texts else value
                for value in self.values
            ),
            "current": {"text": self._text(self.chosen), "value": self.chosen},
            "options": [
                {"text": self._text(value), "value": value, "selected": value == self.chosen}
                for value in self.values
            ],
        }

    def _text(self, value: str) -> str:
        return self.texts.get(value, value)


@dataclass(frozen=True)
class StepVariable:
    """The step that the dashboard's time needs, by itself: each of `steps` serves times of up to so
    many days, `last` all that are longer.

    Grafana has no variable that maps the time to a word. So Prometheus is asked for a series with
    the label `name`. Only one step comes back, and Grafana takes it whenever the time changes.
    """

    name: str
    title: str
    steps: Mapping[str, int]
    last: str

    def json(self) -> Json:
        """The variable for Grafana."""
        query = f"query_result({self._expression()})"
        return {
            "name": self.name,
            "label": self.title,
            "type": "query",
            "datasource": METRICS,
            "definition": query,
            "query": {"query": query, "refId": self.name},
            "regex": f'/{self.name}="(\\w+)"/',
            "refresh": 2,
            "sort": 0,
            "multi": False,
            "includeAll": False,
            "current": {"text": next(iter(self.steps)), "value": next(iter(self.steps))},
        }

    def _expression(self) -> str:
        parts, above = [], ""
        for step, days in self.steps.items():
            parts.append(self._one(f"{above} <= {days * 86_400}", step))
            above = f" > {days * 86_400}"
        return " or ".join([*parts, self._one(above, self.last)])

    def _one(self, condition: str, step: str) -> str:
        return f'label_replace(vector($__range_s){condition}, "{self.name}", "{step}", "", "")'


Variable = LabelVariable | ListVariable | StepVariable


@dataclass(frozen=True)
class Row:
    """A heading and the panels below it, from left to right."""

    title: str
    panels: Sequence[Panel]


@dataclass(frozen=True)
class Dashboard:
    """One dashboard; `key` is its file name, and one of `NAMES`."""

    key: str
    about: str
    variables: Sequence[Variable]
    rows: Sequence[Row]
    hours: int = 6
    """The time that it shows at first, until now."""

    def json(self) -> Json:
        """The whole dashboard for Grafana."""
        return {
            "uid": f"luotdoc-{self.key}",
            "title": f"Lượt Đọc: {NAMES[self.key]}",
            "description": self.about,
            "tags": ["luotdoc"],
            "schemaVersion": 39,
            "editable": False,
            "graphTooltip": 1,
            "refresh": "30s",
            "time": {"from": f"now-{self.hours}h", "to": "now"},
            "timezone": "browser",
            "links": self._links(),
            "annotations": {"list": [deployments()]},
            "templating": {
                "list": [
                    _source("metrics", "Prometheus", "prometheus"),
                    *self._sources(),
                    *(variable.json() for variable in self.variables),
                ]
            },
            "panels": self._panels(),
        }

    def _sources(self) -> list[Json]:
        asked = any(panel.json(0, 0, 0)["datasource"] != METRICS for panel in self._all())
        kind = "yesoreyeram-infinity-datasource"
        return [_source("stats", "Statistics", kind)] if asked else []

    def _all(self) -> list[Panel]:
        return [panel for row in self.rows for panel in row.panels]

    def _links(self) -> list[Json]:
        others = [key for key in NAMES if key != self.key]
        links = [(NAMES[key], f"/d/luotdoc-{key}", True) for key in others]
        links.append(("Runbook", f"{DOCS}#alerts", False))
        return [
            {"title": title, "type": "link", "url": url, "keepTime": keeps, "targetBlank": False}
            for title, url, keeps in links
        ]

    def _panels(self) -> list[Json]:
        placed: list[Json] = []
        y = 0
        for row in self.rows:
            placed.append(
                {
                    "id": len(placed) + 1,
                    "type": "row",
                    "title": row.title,
                    "collapsed": False,
                    "gridPos": {"h": 1, "w": COLUMNS, "x": 0, "y": y},
                    "panels": [],
                }
            )
            ends = [y + 1] * COLUMNS
            for panel in row.panels:
                x, top = _free(ends, panel.width)
                placed.append(panel.json(len(placed) + 1, x, top))
                ends[x : x + panel.width] = [top + panel.height] * panel.width
            y = max(ends)
        return placed


def _free(ends: Sequence[int], width: int) -> tuple[int, int]:
    """The highest place of `width` columns, leftmost of equals: column and line. `ends` has for
    each column the line where its panels end.
    """
    tops = [max(ends[x : x + width]) for x in range(COLUMNS - width + 1)]
    return tops.index(min(tops)), min(tops)


def deployments() -> Json:
    """Marks when a version of a service appears that did not run five minutes before."""
    now = f"count by (service, version) (luotdoc_build_info{{{ALL}}})"
    before = f"count by (service, version) (luotdoc_build_info{{{ALL}}} offset 5m)"
    return {
        "name": "Deployments",
        "datasource": METRICS,
        "enable": True,
        "hide": False,
        "iconColor": "purple",
        "expr": f"{now} unless {before}",
        "step": "60s",
        "titleFormat": "{{service}} {{version}}",
        "textFormat": "starts to run",
    }


def _source(name: str, title: str, kind: str) -> Json:
    return {
        "name": name,
        "label": title,
        "type": "datasource",
        "query": kind,
        "refresh": 1,
        "current": {},
        "hide": 2,
    }
