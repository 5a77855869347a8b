"""What panels of each kind look like, as Grafana's options and overrides. Pure."""

from collections.abc import Mapping
from typing import Any, Literal

Json = dict[str, Any]
PanelKind = Literal["stat", "timeseries", "bargauge", "table"]
Style = Literal["thick", "thin", "dashed", "dotted", "bars"]
_STYLES: Mapping[Style, Json] = {
    "thick": {"lineWidth": 3},
    "thin": {"lineWidth": 1},
    "dashed": {"lineWidth": 1, "lineStyle": {"fill": "dash", "dash": [10, 6]}},
    "dotted": {"lineWidth": 1, "lineStyle": {"fill": "dot", "dash": [1, 5]}},
    "bars": {"drawStyle": "bars", "fillOpacity": 60, "lineWidth": 0},
}


def override(name: str, key: str, value: object) -> Json:
    """Sets one property of the field `name`."""
    return {
        "matcher": {"id": "byName", "options": name},
        "properties": [{"id": key, "value": value}],
    }


def styled(name: str, style: Style) -> Json:
    """Draws the series `name` in a style."""
    return {
        "matcher": {"id": "byName", "options": name},
        "properties": [
            {"id": f"custom.{key}", "value": value} for key, value in _STYLES[style].items()
        ],
    }


def options(kind: PanelKind) -> Json:
    """What a panel of this kind shows beside its data."""
    last = {"calcs": ["lastNotNull"], "fields": "", "values": False}
    if kind == "timeseries":
        return {
            "legend": {"showLegend": True, "displayMode": "list", "placement": "bottom"},
            "tooltip": {"mode": "multi", "sort": "desc"},
        }
    if kind == "stat":
        return {
            "reduceOptions": last,
            "textMode": "auto",
            "colorMode": "value",
            "graphMode": "none",
            "justifyMode": "auto",
            "orientation": "auto",
        }
    if kind == "bargauge":
        return {
            "reduceOptions": last,
            "orientation": "horizontal",
            "displayMode": "basic",
            "showUnfilled": True,
            "valueMode": "text",
        }
    return {"showHeader": True, "cellHeight": "sm"}
