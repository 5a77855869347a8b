"""What changes in the sections' quarters when articles move to other sections. Pure."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.storage.quarters import day_name


@dataclass(frozen=True)
class SectionShifts:
    """Changes of `projections`."""

    added: dict[tuple[str, str], Counter[str]] = field(default_factory=dict)
    """{(section, day): {quarter of the day: reads to add, or to take away}}."""
    stale: set[str] = field(default_factory=set)
    """Days whose documents lack late reads, which the articles' quarters have: they are to be made
    again."""


def section_shifts(
    moves: Mapping[str, tuple[str, str]],
    reads: Mapping[str, Mapping[int, Mapping[str, int]]],
    made: Mapping[int, int],
    markers: Mapping[str, int],
) -> SectionShifts:
    """The changes by `moves`, {article: (old section, new section)}. `reads`: {article: {UTC day:
    {quarter of the day: reads}}}. `made`: the number of markers of each day that is made, as it
    was then; `markers`: that of now, by the day's name.
    """
    shifts = SectionShifts()
    for article, (old, new) in moves.items():
        for day, quarters in reads.get(article, {}).items():
            name = day_name(day)
            if day not in made:
                continue
            if made[day] != markers.get(name, 0):
                shifts.stale.add(name)
                continue
            shifts.added.setdefault((old, name), Counter()).subtract(quarters)
            shifts.added.setdefault((new, name), Counter()).update(quarters)
    return shifts
