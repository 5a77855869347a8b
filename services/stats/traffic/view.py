"""What is answered from memory: the figures of one snapshot. What it answers never changes."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from services.stats.periods import Period
from services.stats.traffic.chunks import chunks
from services.stats.traffic.course import NO_READS, LongCourse
from services.stats.traffic.ranking import Among, Ranking
from services.stats.traffic.sections.listed import ListedArticles
from services.stats.traffic.shares import Open, reads_within
from services.stats.traffic.site_courses import SiteCourses
from services.stats.traffic.trends import Trends

MAX_TOP = 100


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
    _lists: dict[tuple[str, str | None], list[tuple[str, int]]] = field(default_factory=dict)
    _tails: dict[tuple[Period, str | None], dict[str, int]] = field(default_factory=dict)
    _sections: dict[str, Section] = field(default_factory=dict)
    _members: dict[str, list[str]] = field(default_factory=dict)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def with_window(self, window: str, span: Period, ranking: Ranking) -> "View":
        """This view with one more window, whose closed time has `ranking`."""
        return replace(
            self,
            spans={**self.spans, window: span},
            rankings={**self.rankings, window: ranking},
            _lists={},
        )

    async def top(self, window: str, section: str | None) -> list[tuple[str, int]]:
        """The `MAX_TOP` most read published articles of a window, of one section or of all, as
        (article, reads). Raises KeyError for a window that is not ready.
        """
        key = (window, section)
        if key not in self._lists:
            among = None
            if section is not None:
                number = self.listed.sections.get(section, (0, 0))[0]
                among = Among(number, lambda: self._articles_of(section))
            async with self._turn:  # a crowd that asks for the same list makes it once
                if key not in self._lists:
                    self._lists[key] = await self.rankings[window].top(
                        await self._tail_in(self.spans[window], section),
                        MAX_TOP,
                        lambda each: self._is_in(each, section),
                        among,
                    )
        return self._lists[key]

    async def _articles_of(self, section: str) -> list[str]:
        if not self._members:
            found: dict[str, list[str]] = {}
            async for some in chunks(self.listed.articles.items()):
                for article, held in some:
                    found.setdefault(held.section, []).append(article)
            self._members.update(found)
        return self._members.get(section, [])

    def _is_in(self, article: str, section: str | None) -> bool:
        held = self.listed.articles.get(article)
        return bool(held and held.published and section in (None, held.section))

    async def _tail_in(self, period: Period, section: str | None) -> dict[str, int]:
        """The reads of the listed articles in the tail. Most windows have the same one."""
        part = (max(period[0], self.site.closed), period[1])
        key = (part, section)
        if key not in self._tails:
            found: dict[str, int] = {}
            async for some in chunks(self.tail.items()):
                reads = reads_within(dict(some), *part)
                found |= {a: n for a, n in reads.items() if self._is_in(a, section)}
            self._tails[key] = found
        return self._tails[key]

    def sections(self) -> dict[str, Section] | None:
        """Every section that has an article, by name; None while they are not ready."""
        if self.courses is None or self._sections:
            return None if self.courses is None else self._sections
        for name, (published, baseline) in self.listed.sections.items():
            course = self.courses.get(name, NO_READS)
            self._sections[name] = Section(published, baseline, course)
        return self._sections
