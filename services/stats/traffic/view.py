"""What is answered from memory: the figures of one snapshot. What it answers never changes."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from services.stats.periods import Period
from services.stats.traffic.chunks import chunks
from services.stats.traffic.course import NO_READS, LongCourse
from services.stats.traffic.ranking import Ranking
from services.stats.traffic.sections.listed import ListedArticles
from services.stats.traffic.shares import Open, reads_within
from services.stats.traffic.site_courses import SiteCourses
from services.stats.traffic.trends import Trends

MAX_TOP, USUAL_TOP = 100, 10
"""Articles of a long list, and of the one that is usually asked for: it takes half of the time."""


@dataclass(frozen=True, slots=True)
class Section:
    """One section: its articles' state and baselines, and its reads."""

    published: int
    """Number of its published articles."""
    baseline: int
    course: LongCourse


@dataclass(frozen=True)
class View:
    """Top lists and sections as of `as_of`."""

    as_of: datetime
    site: SiteCourses
    spans: Mapping[str, Period]
    rankings: Mapping[str, Ranking]
    """The closed time of each window that is ready."""
    tail: Open
    """Reads by article and quarter since time is closed."""
    listed: ListedArticles
    trends: Trends | None
    """The trending articles; None while they are not ready."""
    courses: Mapping[str, LongCourse] | None
    """The quarters of each section; None while they are not ready."""
    _lists: dict[tuple[str, str | None, int], list[tuple[str, int]]] = field(default_factory=dict)
    _tails: dict[Period, dict[str | None, dict[str, int]]] = field(default_factory=dict)
    _sections: dict[str, Section] = field(default_factory=dict)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def with_window(self, window: str, span: Period, ranking: Ranking) -> "View":
        """This view with one more window, whose closed time has `ranking`."""
        return replace(
            self,
            spans={**self.spans, window: span},
            rankings={**self.rankings, window: ranking},
            _lists={},
        )

    async def top(
        self, window: str, section: str | None, limit: int = MAX_TOP
    ) -> list[tuple[str, int]]:
        """The `limit` most read published articles of a window, at most `MAX_TOP`, of one section
        or of all, as (article, reads). Raises KeyError for a window that is not ready.
        """
        size = USUAL_TOP if limit <= USUAL_TOP else MAX_TOP
        key = (window, section, size)
        if key not in self._lists:
            async with self._turn:  # a crowd that asks for the same list makes it once
                if key not in self._lists:
                    tail = (await self._tails_in(self.spans[window])).get(section, {})
                    self._lists[key] = await self.rankings[window].top(
                        tail, size, section, self.listed
                    )
        return self._lists[key][:limit]

    async def _tails_in(self, period: Period) -> dict[str | None, dict[str, int]]:
        """The reads of published articles in the tail, by section, and of all. Most windows have
        the same ones.
        """
        part = (max(period[0], self.site.closed), period[1])
        if part not in self._tails:
            found: dict[str | None, dict[str, int]] = {}
            async for some in chunks(self.tail.items()):
                for article, reads in reads_within(dict(some), *part).items():
                    if self.listed.is_published(article):
                        for section in (None, self.listed.section_of(article)):
                            found.setdefault(section, {})[article] = reads
            self._tails[part] = found
        return self._tails[part]

    def sections(self) -> dict[str, Section] | None:
        """Every section that has an article, by name; None while they are not ready."""
        if self.courses is None or self._sections:
            return None if self.courses is None else self._sections
        for name, (published, baseline) in self.listed.sections.items():
            course = self.courses.get(name, NO_READS)
            self._sections[name] = Section(published, baseline, course)
        return self._sections
