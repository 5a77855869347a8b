"""The parts of a page: a plot with its numbers as a table and as CSV, and figures with a note.
Pure.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from markupsafe import Markup

from luotdoc_subscriber.base.clock import rfc3339
from services.stats.drawing.lines import course_plot
from services.stats.drawing.markup import Caption, numbers_table
from services.stats.drawing.scales import Mark, middle_of
from services.stats.pages.languages import Language
from services.stats.pages.spans import Steps
from services.stats.periods import Step
from services.stats.traffic.course import LongCourse, SparseCourse
from services.stats.traffic.lines import known_reads
from shared.storage.quarters import quarter_of, start_of

STEP_WORDS: Mapping[Step, tuple[str, str]] = {
    "hour": ("hour", "by_hour"),
    "day": ("day", "by_day"),
    "week": ("week_of", "by_week"),
    "month": ("month_of", "by_month"),
}
"""The words for a step of time, and for a course in such steps."""
_FEW_HOURS, _FEW_DAYS, _SOME_DAYS, _MANY_DAYS, _FEW_MONTHS = 26, 10, 45, 130, 26
"""Numbers of steps up to which each of them, or each of some, may have a text."""


@dataclass(frozen=True, slots=True)
class Block:
    """A plot. `legend` has the class and the text of each colour; `csv` is an address. A plot that
    is not a series has its CSV in `columns` and `rows`.
    """

    id: str
    heading: str
    plot: Markup
    table: Markup
    csv: str
    note: str = ""
    legend: tuple[tuple[str, str], ...] = ()
    columns: tuple[str, ...] = ()
    rows: Sequence[Sequence[str | float | None]] = ()


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure. `margin` is its error; `lines` are more notes."""

    heading: str
    number: str
    note: str = ""
    margin: str = ""
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """What is known when: nothing before the quarter `since` (None: nothing at all), and nothing
    after `as_of`. `zone` is the site's.
    """

    as_of: datetime
    since: int | None
    zone: ZoneInfo

    def local(self, quarter: int) -> datetime:
        """The start of a quarter on the site's clock."""
        return start_of(quarter).astimezone(self.zone)

    @property
    def first_day(self) -> date:
        """The date of the first known read; that of `as_of` if there is none."""
        if self.since is None:
            return self.as_of.astimezone(self.zone).date()
        return self.local(self.since).date()

    def reads(self, course: LongCourse | SparseCourse, edges: Sequence[int]) -> list[int | None]:
        """The reads of each step; None is not known."""
        return self.known(course.ranges(edges), edges) if edges else []

    def unfinished(self, edges: Sequence[int]) -> int | None:
        """The step of `edges` that is still running; None if there is none."""
        place = bisect_right(edges, quarter_of(self.as_of)) - 1
        return place if 0 <= place < len(edges) - 1 else None

    def known(self, reads: Sequence[int], edges: Sequence[int]) -> list[int | None]:
        """`reads` with None in place of a 0 that is not known."""
        return known_reads(edges, reads, self.since, self.as_of)


def table_csv(block_id: str, period: str) -> str:
    """The address of the numbers of a plot that is not a series, as CSV."""
    return f"/stats/tables/{block_id}?period={period}"


def series_csv(step: Step, edges: Sequence[int], **asked: str) -> str:
    """The address of a series as CSV."""
    span = {"from": rfc3339(start_of(edges[0])), "to": rfc3339(start_of(edges[-1]))}
    return "/stats/series?" + urlencode({"step": step, **span, **asked, "format": "csv"}, safe=":")


def course_block(
    name: tuple[str, str],
    steps: Steps,
    course: LongCourse | SparseCourse,
    moment: Known,
    language: Language,
    labels: tuple[str, str],
    **asked: str,
) -> Block:
    """A course by `steps`. `name` is its id and heading, `labels` are those of the period and of
    the one before; `asked` has the parameters of its CSV.
    """
    now, before = moment.reads(course, steps.edges), moment.reads(course, steps.before)
    block_id, heading = name
    times = [
        language.step(steps.step, moment.local(edge), with_day=len(now) > _FEW_HOURS)
        for edge in steps.edges[:-1]
    ]
    caption = Caption(block_id, heading, described(times, now, before, language))
    marks = list(axis_marks(steps.step, steps.edges, moment.zone, language))
    shown = labels if before else labels[:1]
    unfinished = moment.unfinished(steps.edges)
    legend = [*zip(("now", "before"), shown, strict=False)]
    if unfinished is not None:
        legend.append(("open", language.say(f"open_{steps.step}")))
    return Block(
        id=f"{block_id}-heading",
        heading=heading,
        plot=course_plot(caption, now, before, marks, language.notation, unfinished=unfinished),
        table=_course_table(heading, (language.say(STEP_WORDS[steps.step][0]), *shown), times,
                            [now, before] if before else [now], language),
        csv=series_csv(steps.step, steps.edges, **asked),
        legend=tuple(legend),
    )  # fmt: skip


def _course_table(
    heading: str,
    head: Sequence[str],
    times: Sequence[str],
    values: Sequence[Sequence[int | None]],
    language: Language,
) -> Markup:
    whole = language.notation.whole
    rows = (
        (time, *(whole(some[place] if place < len(some) else None) for some in values))
        for place, time in enumerate(times)
    )
    return numbers_table(heading, head, rows)


def described(
    times: Sequence[str],
    now: Sequence[int | None],
    before: Sequence[int | None],
    language: Language,
) -> str:
    """What a course says, as a sentence for those who can't see it."""
    known = [(reads, time) for reads, time in zip(now, times, strict=True) if reads is not None]
    total = sum(reads for reads, _ in known)
    if not total:
        return language.say("described_none")
    whole = language.notation.whole
    most, when = max(known, key=lambda each: each[0])
    text = language.say("described", total=whole(total), most=whole(most), when=when)
    if any(each is not None for each in before):
        earlier = sum(filter(None, before))
        text += " " + language.say("described_before", total=whole(earlier))
    return text


def axis_marks(
    step: Step, edges: Sequence[int], zone: ZoneInfo, language: Language
) -> Iterator[Mark]:
    """The texts of a horizontal axis of time; more than fit beside each other."""
    number = len(edges) - 1
    for place, (edge, _) in enumerate(pairwise(edges)):
        text = _mark(step, start_of(edge).astimezone(zone), number, language)
        if text:
            yield Mark(middle_of(place, number), text)


def _mark(step: Step, start: datetime, number: int, language: Language) -> str:
    if step == "hour":
        if number <= _FEW_HOURS:
            return language.hour(start.hour) if start.hour % 6 == 0 else ""
        return language.short_day(start) if start.hour == 0 else ""
    if step == "day":
        if number <= _FEW_DAYS or (number <= _SOME_DAYS and start.weekday() == 0):
            return language.short_day(start)
        if _SOME_DAYS < number <= _MANY_DAYS:
            return language.short_day(start) if start.day in (1, 15) else ""
        return language.month(start) if number > _MANY_DAYS and start.day == 1 else ""
    if step == "week":
        if number <= _FEW_MONTHS:
            return language.short_day(start)
        return language.month(start) if start.day <= 7 and start.month % 6 == 1 else ""
    return language.month(start) if number <= _FEW_MONTHS or start.month == 1 else ""
