"""The figures of each class of reads, and of where people's reads came from. Pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from operator import sub
from typing import get_args
from zoneinfo import ZoneInfo

from luotdoc_subscriber.base.clock import rfc3339
from services.stats.answers import moment_of
from services.stats.kind_answers import (
    ClassFigures,
    ClassList,
    DeviceFigures,
    ReferrerFigures,
    SourceList,
)
from services.stats.parameters import ReadClass
from services.stats.periods import site_periods
from services.stats.traffic.course import LongCourse
from services.stats.traffic.lines import NOT_KNOWN
from services.stats.traffic.site_buckets import SiteKey
from shared.rabbit.batch import DEVICES, PEOPLE, READER, REFERRERS


class Kinds:
    """The figures of kinds of reads. `zone` is the site's; `course_of` answers as of `as_of`, and
    knows the quarters from `since` on.
    """

    def __init__(
        self,
        course_of: Callable[[SiteKey], LongCourse],
        as_of: datetime,
        zone: ZoneInfo,
        since: int | None,
    ) -> None:
        self._course_of = course_of
        self._as_of, self._since = rfc3339(as_of), moment_of(since)
        self._periods = site_periods(as_of, zone)

    def classes(self) -> ClassList:
        """The figures of every class."""
        found = [
            ClassFigures(class_=kind, people=kind in PEOPLE, **self._figures(("class", kind)))
            for kind in get_args(ReadClass)
        ]
        return ClassList(classes=found, as_of=self._as_of, since=self._since)

    def sources(self) -> SourceList:
        """The figures of every class of referrers and devices."""
        return SourceList(
            referrers=[
                ReferrerFigures(referrer=kind, **figures)
                for kind, figures in self._parts("referrer", REFERRERS)
            ],
            devices=[
                DeviceFigures(device=kind, **figures)
                for kind, figures in self._parts("device", DEVICES)
            ],
            as_of=self._as_of,
            since=self._since,
        )

    def _parts(self, what: str, kinds: Sequence[str]) -> Iterator[tuple[str, Mapping[str, int]]]:
        left = self._figures(("class", READER))
        for kind in kinds:
            figures = self._figures((what, kind))
            left = dict(zip(left, map(sub, left.values(), figures.values()), strict=True))
            yield kind, figures
        yield NOT_KNOWN, left

    def _figures(self, key: SiteKey) -> dict[str, int]:
        course = self._course_of(key)
        periods = {name: course.between(*period) for name, period in self._periods.items()}
        return {"total": course.total(), **periods}
