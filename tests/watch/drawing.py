"""A dashboard as a page of HTML: its panels where the JSON places them, with what they got.

It imitates Grafana's look for four kinds of panels; it is no Grafana. Whatever it draws is in the
committed JSON (titles, places, units, thresholds, styles, names) or in the answers.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any

from tests.watch.answers import Answer, Series
from tests.watch.boards import Board, Span
from tests.watch.chart import COLORS, Curve, Frame, chart
from tests.watch.units import written

Json = dict[str, Any]
WIDE, HIGH, GAP = 60, 32, 8
"""Pixels of a column and of a line of the grid, and between panels."""
HEAD, PADDING = 30, 10
TOP = 64
STYLE = """
body { margin: 0; background: #111217; color: #d8d9da; font: 13px "DejaVu Sans", sans-serif; }
h1 { font-size: 20px; margin: 14px 12px 0; } header p { margin: 3px 12px; color: #9da3ae; }
.panel { position: absolute; background: #181b1f; border: 1px solid #2c3038; border-radius: 3px;
  box-sizing: border-box; padding: 0 10px; overflow: hidden; }
.panel h2 { font-size: 12.5px; font-weight: 600; line-height: 15px; margin: 0; height: 30px;
  display: flex; align-items: center; }
.row { position: absolute; font-size: 15px; font-weight: 600; line-height: 32px; }
.tiles { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-around; }
.tile { text-align: center; } .tile b { display: block; font-weight: 600; }
.tile span { color: #9da3ae; }
.bar { display: flex; align-items: center; gap: 8px; }
.bar .name { color: #c7cad1; overflow: hidden; white-space: nowrap; text-overflow: ellipsis; }
.bar .track { flex: 1; background: #22252b; height: 70%; }
.bar .track div { height: 100%; } .bar .value { text-align: right; white-space: nowrap; }
table { border-collapse: collapse; width: 100%; } td, th { padding: 2px 6px; text-align: left;
  border-bottom: 1px solid #22252b; white-space: nowrap; overflow: hidden; }
td + td, th + th { text-align: right; } td.link { color: #6e9fff; }
.none { color: #9da3ae; text-align: center; padding-top: 24px; font-size: 15px; }
"""


def page(board: Board, span: Span, answers: Sequence[Answer]) -> str:
    """The dashboard's HTML."""
    bottom = max(_place(answer)[1] + _place(answer)[3] for answer in answers)
    when = " to ".join(
        datetime.fromtimestamp(moment, UTC).strftime("%d/%m/%Y %H:%M:%S")
        for moment in (span.start, span.end)
    )
    head = (
        f"<header><h1>{escape(board.json['title'])}</h1>"
        f"<p>{escape(board.json['description'])} {when} UTC</p></header>"
    )
    panels = "".join(_panel(answer, span) for answer in answers)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><style>{STYLE}</style>'
        f'<body style="width:{24 * WIDE + GAP}px;height:{bottom + GAP}px">{head}{panels}'
    )


def _place(answer: Answer) -> tuple[int, int, int, int]:
    """Left, top, width and height in pixels."""
    place = answer.panel.json["gridPos"]
    left, top = place["x"] * WIDE + GAP, place["y"] * HIGH + TOP
    return left, top, place["w"] * WIDE - GAP, place["h"] * HIGH - GAP


def _panel(answer: Answer, span: Span) -> str:
    left, top, wide, high = _place(answer)
    title = escape(answer.panel.title)
    if answer.panel.kind == "row":
        return f'<div class="row" style="left:{left}px;top:{top}px">{title}</div>'
    inner = _Inner(answer, span, wide - 2 * PADDING - 2, high - HEAD - 8)
    return (
        f'<div class="panel" style="left:{left}px;top:{top}px;width:{wide}px;height:{high}px">'
        f"<h2>{title}</h2>{inner.html()}</div>"
    )


class _Inner:
    """What is inside of a panel."""

    def __init__(self, answer: Answer, span: Span, wide: int, high: int) -> None:
        self._answer, self._span, self._wide, self._high = answer, span, wide, high
        config = answer.panel.json["fieldConfig"]
        self._defaults: Json = config["defaults"]
        self._rules: list[Json] = config["overrides"]

    def html(self) -> str:
        """By the panel's kind."""
        if not self._answer.series and not self._answer.rows:
            told = escape(self._defaults.get("noValue", "No data"))
            return f'<div class="none">{told}</div>'
        match self._answer.panel.kind:
            case "stat":
                return self._stat()
            case "bargauge":
                return self._bars()
            case "table":
                return self._table()
        return self._lines()

    def _rule(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for rule in self._rules:
            if rule["matcher"]["options"] == name:
                found |= {one["id"]: one["value"] for one in rule["properties"]}
        return found

    def _named(self, name: str) -> str:
        return str(self._rule(name).get("displayName", name))

    def _text(self, value: float | None) -> tuple[str, str]:
        """A value as it is written, and its colour."""
        if value is None:
            return str(self._defaults.get("noValue", "-")), "#9da3ae"
        for mapping in self._defaults.get("mappings", []):
            if told := mapping["options"].get(f"{value:g}"):
                return told["text"], COLORS[told["color"]]
        color = ""
        for step in self._defaults["thresholds"]["steps"]:
            if step["value"] is None or value >= step["value"]:
                color = COLORS[step["color"]]
        return written(value, self._defaults["unit"], self._defaults.get("decimals")), color

    def _values(self) -> Iterator[tuple[str, float]]:
        for series in self._answer.series:
            yield self._named(series.name), series.last

    def _tiles(self) -> Iterator[tuple[str, float | None]]:
        yield from self._values()
        for row in self._answer.rows[:1]:
            yield from row.items()

    def _stat(self) -> str:
        values = list(self._tiles())
        size = max(18, min(34, self._wide * 3 // (10 * len(values)), self._high // 2))
        tiles = []
        for name, value in values:
            told, color = self._text(value)
            under = f"<span>{escape(name)}</span>" if len(values) > 1 else ""
            tiles.append(
                f'<div class="tile"><b style="font-size:{size}px;color:{color}">{escape(told)}</b>'
                f"{under}</div>"
            )
        return f'<div class="tiles" style="height:{self._high}px">{"".join(tiles)}</div>'

    def _bars(self) -> str:
        values = list(self._values())
        most = self._defaults.get("max") or max((value for _, value in values), default=0) or 1
        high = min(26, self._high // len(values))
        name_wide = min(self._wide * 6 // 10, 10 + 7 * max(len(name) for name, _ in values))
        parts = []
        for name, value in values:
            told, color = self._text(value)
            parts.append(
                f'<div class="bar" style="height:{high}px;font-size:{min(12, high - 2)}px">'
                f'<div class="name" style="width:{name_wide}px">{escape(name) or "all"}</div>'
                f'<div class="track"><div style="background:{color};'
                f'width:{min(100.0, 100 * value / most):.1f}%"></div></div>'
                f'<div class="value" style="color:{color};width:70px">{escape(told)}</div></div>'
            )
        return "".join(parts)

    def _table(self) -> str:
        rows = self._answer.rows
        names = [name for name in rows[0] if not self._rule(name).get("custom.hidden")]
        starts = {n: '<td class="link">' if "links" in self._rule(n) else "<td>" for n in names}
        head = "".join(f"<th>{escape(name)}</th>" for name in names)
        lines = [
            "".join(f"{starts[name]}{self._cell(name, row[name])}</td>" for name in names)
            for row in rows
        ]
        body = "".join(f"<tr>{line}</tr>" for line in lines)
        return f"<table><tr>{head}</tr>{body}</table>"

    def _cell(self, name: str, value: Any) -> str:
        if value is None:
            return ""
        plain = isinstance(value, str) or self._rule(name).get("unit") == "string"
        unit, decimals = self._defaults["unit"], self._defaults.get("decimals")
        return escape(str(value) if plain else written(float(value), unit, decimals))

    def _lines(self) -> str:
        curves = [
            Curve(self._named(series.name), series.points, self._style(series))
            for series in self._answer.series
        ]
        start, end = self._span.start, self._span.end
        if self._answer.rows:
            curves, start, end = self._of_rows()
        limits: list[tuple[float, str]] = []
        if "thresholdsStyle" in self._defaults.get("custom", {}):
            steps = self._defaults["thresholds"]["steps"]
            limits = [(step["value"], step["color"]) for step in steps if step["value"] is not None]
        frame = Frame(self._wide, self._high, start, end, self._defaults["unit"], limits)
        return chart(frame, curves)

    def _of_rows(self) -> tuple[list[Curve], float, float]:
        """Rows with a time as curves: the last bar ends one step after it began."""
        columns = self._answer.panel.json["targets"][0]["columns"]
        (time,) = [column["text"] for column in columns if column["type"] == "timestamp_epoch"]
        moments = [row[time] / 1000 for row in self._answer.rows]
        names = [column["text"] for column in columns if column["type"] == "number"]
        stacked = "stacking" in self._defaults.get("custom", {})
        curves, bases = [], [0.0] * len(moments)
        for name in names:
            values = [row[name] for row in self._answer.rows]
            known = [at for at, value in enumerate(values) if value is not None]
            points = [(moments[at], float(values[at])) for at in known]
            under = [bases[at] for at in known]
            color = COLORS.get(self._rule(name).get("color", {}).get("fixedColor", ""), "")
            curves.append(Curve(self._named(name), points, self._custom(name), under, color))
            if stacked:
                bases = [base + (value or 0) for base, value in zip(bases, values, strict=True)]
        return curves, moments[0], moments[-1] + (moments[-1] - moments[-2])

    def _style(self, series: Series) -> dict[str, Any]:
        return self._custom(series.name) or self._custom(series.query)

    def _custom(self, name: str) -> dict[str, Any]:
        rule = self._rule(name).items()
        return {key.removeprefix("custom."): value for key, value in rule if "custom." in key}
