"""What a run has compared, by family and endpoint, and where it found a difference."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from tests.oracle.question import Told

SHOWN = 10
"""Differences of one answer that are printed."""
_MISSING = "nothing"


@dataclass(frozen=True)
class Difference:
    """A figure that is not what it must be."""

    asked: str
    zone: str
    as_of: datetime
    name: str
    expected: object
    found: object

    def __str__(self) -> str:
        return (
            f"{self.asked} (site in {self.zone}, as of {self.as_of.isoformat()}): {self.name}: "
            f"expected {self.expected}, found {self.found}"
        )


@dataclass
class Tally:
    """Counts figures. An endpoint is counted once, whatever its parameters."""

    by_family: Counter[str] = field(default_factory=Counter)
    not_zero: int = 0
    endpoints: set[str] = field(default_factory=set)
    zones: set[str] = field(default_factory=set)
    differences: list[Difference] = field(default_factory=list)
    differing: int = 0
    between: int = 0
    """Figures that were asked during the traffic, and must lie between two others."""

    @property
    def figures(self) -> int:
        """All that were compared."""
        return self.by_family.total()

    def compare(
        self, family: str, asked: str, zone: str, as_of: datetime, expected: Told, found: Told
    ) -> bool:
        """Compare all figures of an answer; whether all are right."""
        self.by_family[family] += len(expected.keys() | found.keys())
        self.not_zero += sum(value not in (0, None) for value in expected.values())
        wrong = list(_wrong(expected, found))
        for name in wrong[:SHOWN]:
            self.differences.append(
                Difference(
                    asked, zone, as_of, name,
                    expected.get(name, _MISSING), found.get(name, _MISSING),
                )
            )  # fmt: skip
        self.differing += len(wrong)
        return not wrong

    def shares(self) -> str:
        """How many of the figures are of each family."""
        parts = (f"{name} {n / self.figures:.0%}" for name, n in self.by_family.most_common())
        return f"{', '.join(parts)}; {self.not_zero / self.figures:.0%} are not 0"


def _wrong(expected: Told, found: Told) -> Iterator[str]:
    for name in {**expected, **found}:
        if name not in expected or name not in found or expected[name] != found[name]:
            yield name
