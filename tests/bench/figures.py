"""What was measured: figures with their targets, as a table and as JSON."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table


@dataclass(frozen=True)
class Figure:
    """One line of the table. `limit` is the least (`at_least`) or the greatest value that is good;
    None: for notice.
    """

    measure: str
    name: str
    reached: float
    unit: str
    limit: float | None = None
    at_least: bool = False
    note: str = ""

    @property
    def good(self) -> bool | None:
        """Whether the target is reached; None without one."""
        if self.limit is None:
            return None
        return self.reached >= self.limit if self.at_least else self.reached <= self.limit

    @property
    def target(self) -> str:
        """The target in words."""
        return (
            ""
            if self.limit is None
            else f"{'≥' if self.at_least else '≤'} {number(self.limit)} {self.unit}"
        )

    @property
    def line(self) -> str:
        """For people, without the note."""
        return f"{self.measure}, {self.name}: {number(self.reached)} {self.unit}"

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "measure": self.measure,
            "name": self.name,
            "reached": self.reached,
            "unit": self.unit,
            "target": self.target or None,
            "ok": self.good,
            "note": self.note,
        }


def number(value: float) -> str:
    """Three significant digits, and all digits before the point."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def table(figures: Sequence[Figure]) -> Table:
    """For people."""
    drawn = Table(title="make bench", title_justify="left")
    for head in ("measure", "figure", "target", "reached", "", "note"):
        drawn.add_column(head, overflow="fold")
    words = {True: "[green]ok[/green]", False: "[red]not[/red]", None: ""}
    for figure in figures:
        reached = f"{number(figure.reached)} {figure.unit}"
        drawn.add_row(
            figure.measure, figure.name, figure.target, reached, words[figure.good], figure.note
        )
    return drawn


def middle(values: Sequence[float]) -> float:
    """The median."""
    return statistics.median(values)


def middles(rounds: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The median by name, of rounds that have the same names."""
    return {name: middle([each[name] for each in rounds]) for name in rounds[0]}


def spread(values: Sequence[float]) -> str:
    """The single values, for a note that lets a reader judge the noise."""
    return " · ".join(number(value) for value in values)


def at(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0 to 1) of `values` lie; they must be sorted."""
    return values[min(len(values) - 1, int(len(values) * share))]
