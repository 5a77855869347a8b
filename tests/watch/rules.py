"""A copy of the rules in which time passes faster, by one factor."""

import re
from pathlib import Path
from typing import Any

import yaml

from tests.support.alerts import RULES

FACTOR = 20
"""Every `for`, range and offset is divided by it: 1m is 3s, 5m 15s, 1h 3m. Thresholds stay, but
for `THRESHOLDS`.
"""
THRESHOLDS = {"LuotdocReconciliationStopped": ("> 900", f"> {900 // FACTOR}")}
"""Ages that a run can't wait for or put into the data. ingest compares as much more often."""

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION = re.compile(r"(?<=\[)(\d+)([smhd])(?=\])|(?<=offset )(\d+)([smhd])\b")


def faster(duration: str) -> str:
    """A duration such as `5m`, divided by `FACTOR`, in whole seconds."""
    seconds = int(duration[:-1]) * _UNITS[duration[-1]]
    return f"{max(1, seconds // FACTOR)}s"


def faster_expression(expression: str) -> str:
    """PromQL with its ranges and offsets divided."""
    return _DURATION.sub(lambda found: faster(found[0]), expression)


def shortened(folder: Path) -> list[Path]:
    """Write the copy; answers its files."""
    folder.mkdir()
    files = []
    for path in RULES:
        document = yaml.safe_load(path.read_text())
        for group in document["groups"]:
            group["rules"] = [_shortened(rule) for rule in group["rules"]]
        files.append(folder / path.name)
        files[-1].write_text(yaml.safe_dump(document, sort_keys=False))
    return files


def _shortened(rule: dict[str, Any]) -> dict[str, Any]:
    expression = faster_expression(rule["expr"])
    if rule.get("alert") in THRESHOLDS:
        was, becomes = THRESHOLDS[rule["alert"]]
        assert was in expression
        expression = expression.replace(was, becomes)
    short = {"for": faster(rule["for"])} if "for" in rule else {}
    return rule | {"expr": expression} | short
