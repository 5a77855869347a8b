"""Figures of readers beside the numbers of plain sets."""

from dataclasses import dataclass, field
from typing import Any

ERROR, WORST = 0.02, 0.0305
"""The error that answers state, for 95 of 100 figures, and the bound for each: 3.3 standard
deviations, which one of a thousand passes."""
EXACT = 1000


@dataclass
class Verdict:
    """What was compared."""

    exact: int = 0
    sketches: int = 0
    near: int = 0
    """Figures of sketches within the stated error."""
    worst: dict[str, float] = field(default_factory=dict)
    """The largest error of a sketch, by the kind of its scope."""
    wrong: list[str] = field(default_factory=list)

    def judge(self, kind: str, name: str, expected: int, found: dict[str, Any]) -> None:
        """Compare one figure, a `{number, error}`, of a scope of `kind`."""
        number, error = found["number"], found["error"]
        if expected <= EXACT:
            self.exact += 1
            if (number, error) != (expected, None):
                self.wrong.append(f"{name}: expected exactly {expected}, found {found}")
            return
        self.sketches += 1
        if number is None or error != ERROR:
            self.wrong.append(f"{name}: expected {expected} ± {ERROR}, found {found}")
            return
        off = abs(number - expected) / expected
        self.near += off <= ERROR
        self.worst[kind] = max(self.worst.get(kind, 0.0), off)
        if off > WORST:
            self.wrong.append(f"{name}: expected {expected}, found {number}")

    def share(self) -> float:
        """The share of sketches within the stated error."""
        return self.near / self.sketches if self.sketches else 1.0
