"""Builds the figures of sections, from the keeper's view."""

import time
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from luotdoc_subscriber.base.clock import rfc3339
from services.stats import answers
from services.stats.compared import course_compared
from services.stats.readers.audience import Audience, AudienceFields
from services.stats.traffic.compare import ComparedBy
from services.stats.traffic.course import NO_READS
from services.stats.traffic.keeper import Keeper
from services.stats.traffic.lines import SeriesLines
from services.stats.traffic.view import Section, View
from services.stats.traffic.windows import CALENDAR
from shared.base.errors import Problem, Unavailable
from shared.base.single_flight import SingleFlightCache

CACHE_SECONDS = 0.5
_NOT_YET = Section(0, 0, NO_READS)
"""A section that has had an article for a moment: the view is older, and then it had none."""


class SectionReports:
    """Figures of sections. `zone` is the site's."""

    def __init__(
        self,
        keeper: Keeper,
        audience: Audience,
        zone: ZoneInfo,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keeper, self._audience, self._zone = keeper, audience, zone
        self._new: SingleFlightCache[bool] = SingleFlightCache(CACHE_SECONDS, seconds)

    async def sections(self) -> answers.SectionList:
        """The figures of every section. Raises `Unavailable` until they are ready."""
        view = await self._keeper.current()
        audience_of = await self._audience.sections()
        found = [
            answers.SectionFigures(**self._fields(view, name, section, audience_of(name)))
            for name, section in _ready(view).items()
        ]
        return answers.SectionList(
            sections=found, as_of=rfc3339(view.as_of), since=answers.moment_of(view.site.since)
        )

    async def section(self, name: str, by: ComparedBy | None) -> answers.SectionReads:
        """The figures of one section, with a comparison if `by` is given. Raises `Problem` 404 if
        it has no article.
        """
        view = await self._keeper.current()
        section = await self._of(view, name)
        since = view.site.since
        return answers.SectionReads(
            **self._fields(view, name, section, (await self._audience.sections())(name)),
            as_of=rfc3339(view.as_of),
            since=answers.moment_of(since),
            compared=course_compared(by, view.as_of, self._zone, since, section.course)
            if by
            else None,
        )

    async def lines(self, name: str) -> SeriesLines:
        """The line of a section's series. Raises `Problem` 404 if it has no article."""
        view = await self._keeper.current()
        section = await self._of(view, name)
        return SeriesLines({"reads": [(section.course, 1)]}, view.site.since, view.as_of)

    async def check(self, name: str | None) -> None:
        """Raise `Problem` 404 if `name` is given, and the section has no article."""
        if name and name not in (await self._keeper.current()).listed.sections:
            await self._check_new(name)

    async def _of(self, view: View, name: str) -> Section:
        found = _ready(view).get(name)
        if not found:
            await self._check_new(name)
        return found or _NOT_YET

    async def _check_new(self, name: str) -> None:
        """Raise `Problem` 404 if the catalogue has nothing newer than the view in the section."""
        if not await self._new.get(name, lambda: self._keeper.catalogue.is_new(name)):
            raise Problem(404, "no article is in this section")

    def _fields(
        self, view: View, name: str, section: Section, audience: AudienceFields
    ) -> dict[str, Any]:
        """The fields of `answers.SectionFigures`."""
        counted = section.course.total()
        return {
            "section": name,
            "articles": section.published,
            "total": section.baseline + counted,
            "baseline": section.baseline,
            "counted": counted,
            **{each: section.course.between(*view.spans[each]) for each in CALENDAR},
            **audience,
        }


def _ready(view: View) -> dict[str, Section]:
    found = view.sections()
    if found is None:
        raise Unavailable("the figures of sections are being prepared, try again")
    return found
