"""Courses: reads by quarter of an hour, with prefix sums, so that any span is two look-ups. Pure.

A quarter is an int as in `shared.storage.quarters`. A course never changes; the methods that change
something answer a new one.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from operator import sub

import numpy as np
from numpy.typing import NDArray

from shared.storage.quarters import PER_DAY

Quarters = NDArray[np.int64]


class Course:
    """Reads of the quarters from `first` on; there are none outside."""

    __slots__ = ("_before", "first")

    def __init__(self, first: int, reads: Iterable[int] = ()) -> None:
        self.first = first
        self._before = array("q", accumulate(reads, initial=0))

    @classmethod
    def of(cls, reads: Mapping[int, int], first: int | None = None) -> "Course":
        """The course of `reads` by quarter, from the first of them on, or from `first`."""
        if first is None:
            first = min(reads, default=0)
        end = max(reads, default=first - 1) + 1
        return cls(first, (reads.get(quarter, 0) for quarter in range(first, end)))

    @property
    def end(self) -> int:
        """The quarter after the last one."""
        return self.first + len(self._before) - 1

    def until(self, quarter: int) -> int:
        """The reads before `quarter`."""
        return self._before[min(max(quarter - self.first, 0), len(self._before) - 1)]

    def until_each(self, quarters: Quarters) -> Quarters:
        """The reads before each of `quarters`."""
        places = np.clip(quarters - self.first, 0, len(self._before) - 1)
        # Picked out, so that no view of the array stays: it could not grow then.
        found: Quarters = np.frombuffer(self._before, np.int64)[places]
        return found

    @property
    def begin(self) -> int | None:
        """The first quarter that has reads, or None."""
        place = bisect_right(self._before, 0)
        return self.first + place - 1 if place < len(self._before) else None

    def between(self, first: int, end: int) -> int:
        """The reads from the quarter `first` until before `end`; 0 if `end` is not after it."""
        return max(0, self.until(end) - self.until(first))

    def with_day(self, first: int, reads: Mapping[int, int]) -> "Course":
        """This course with `reads` by quarter in place of those of the UTC day that begins at the
        quarter `first`. The day must not lie before the course.
        """
        if first < self.first:
            raise ValueError(
                f"quarter {first} lies before the course, which begins at {self.first}"
            )
        made, end = Course(self.first), first + PER_DAY
        kept = self._before[: first - self.first + 1]
        kept.extend([kept[-1]] * (first - self.first + 1 - len(kept)))
        day = [reads.get(quarter, 0) for quarter in range(first, end)]
        kept.extend(list(accumulate(day, initial=kept[-1]))[1:])
        moved = kept[-1] - self.until(end)
        rest = self._before[end - self.first + 1 :]
        kept.extend(array("q", [each + moved for each in rest]) if moved else rest)
        made._before = kept
        return made

    def with_days(self, days: Mapping[int, Mapping[int, int]]) -> "Course":
        """This course with other reads for many UTC days, {the day's first quarter: {quarter:
        reads}}: one pass over the course, and not one for each day.
        """
        if min(days, default=self.first) < self.first:
            raise ValueError(f"a day lies before the course, which begins at {self.first}")
        reads = list(map(sub, self._before[1:], self._before))
        reads.extend([0] * (max(days, default=0) + PER_DAY - self.end))
        for first, day in days.items():
            at = first - self.first
            reads[at : at + PER_DAY] = [day.get(q, 0) for q in range(first, first + PER_DAY)]
        return Course(self.first, reads)


class SparseCourse:
    """A course with a place for each quarter that has reads, as an article has them."""

    __slots__ = ("_before", "_quarters")

    def __init__(self, reads: Mapping[int, int]) -> None:
        self._quarters = array("q", sorted(reads))
        self._before = array("q", accumulate(map(reads.__getitem__, self._quarters), initial=0))

    def ranges(self, edges: Sequence[int]) -> list[int]:
        """The reads between each quarter of `edges`, in rising order, and the next one."""
        quarters, before = self._quarters, self._before
        return [
            end - first for first, end in pairwise(before[bisect_left(quarters, e)] for e in edges)
        ]


@dataclass(frozen=True, slots=True)
class LongCourse:
    """A course in two parts, so that a new quarter doesn't copy the past: `closed`, and `recent`,
    which begins at a later quarter.
    """

    closed: Course
    recent: Course

    def between(self, first: int, end: int) -> int:
        """The reads from the quarter `first` until before `end`."""
        return self.closed.between(first, end) + self.recent.between(first, end)

    @property
    def begin(self) -> int | None:
        """The first quarter that has reads, or None."""
        return self.recent.begin if self.closed.begin is None else self.closed.begin

    def total(self) -> int:
        """All reads."""
        return self.closed.until(self.closed.end) + self.recent.until(self.recent.end)

    def ranges(self, edges: Sequence[int]) -> list[int]:
        """The reads between each quarter of `edges`, in rising order, and the next one."""
        quarters = np.asarray(edges, np.int64)
        before = self.closed.until_each(quarters) + self.recent.until_each(quarters)
        found: list[int] = np.diff(before).tolist()
        return found


NO_READS = LongCourse(Course(0), Course(0))
"""The course of something that was never read."""
