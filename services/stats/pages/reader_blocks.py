"""Unique readers on the pages: a figure with its error, and a course by day. Pure.

A day of readers begins at 04:00 in the site's time zone. Days are never added up: a person who
reads on two days would be counted twice.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from services.stats.drawing.lines import course_plot
from services.stats.drawing.markup import Caption, numbers_table
from services.stats.drawing.notation import NO_NUMBER
from services.stats.pages.blocks import Block, Known, Tile, axis_marks
from services.stats.pages.languages import Language
from services.stats.pages.spans import MOST_DAYS
from services.stats.readers.answers import Readers, ReadersOfDay, ReadersPoint, ReadersSeries
from services.stats.readers.distinct import ERROR, EXACT
from services.stats.readers.parameters import ReadersParameters
from shared.base.salt_days import day_of, salt_day_number
from shared.storage.quarters import PER_DAY, quarter_of

_DAYS = {"24h": 7, "7d": 7, "30d": 30, "90d": 90, "12mo": 365}
"""Days of a course for each period; a single one is no course."""
_LEAST_DAYS = 7
_SMALL_MEAN = 100
"""Below it, a mean has a decimal."""


def readers_days(period: str, now: datetime, zone: ZoneInfo, first: date) -> tuple[date, date]:
    """The first day of a period's course, and the one after the last. `all` begins with the day
    `first`.
    """
    today = day_of(now, zone)
    days = _DAYS.get(period) or min(max((today - first).days + 1, _LEAST_DAYS), MOST_DAYS)
    return today - timedelta(days=days - 1), today + timedelta(days=1)


def readers_query(first: date, end: date) -> ReadersParameters:
    """What asks for the readers of each day in [first, end)."""
    return ReadersParameters.model_validate({"from": first, "to": end})


def known_since(readers: Readers, zone: ZoneInfo) -> date | None:
    """The first day whose readers are known in part; None while none is."""
    return day_of(datetime.fromisoformat(readers.since), zone) if readers.since else None


def readers_tile(
    readers: Readers, moment: Known, language: Language, *, means: bool = True
) -> Tile:
    """Today's readers, with those of the days before as notes. `means` are told of what has been
    there for as many days.
    """
    heading, today = language.say("uniques"), readers.today
    if today.number is None:
        return Tile(heading, "")
    begun = language.short_day(day_of(moment.as_of, moment.zone))
    return Tile(
        heading,
        language.notation.whole(today.number),
        language.say("uniques_since", day=begun),
        margin=_margin(today.error, language),
        lines=tuple(_earlier(readers, language, means=means)),
    )


def _earlier(readers: Readers, language: Language, *, means: bool) -> Iterator[str]:
    if readers.yesterday.number is not None:
        yield language.say("uniques_yesterday", number=_number(readers.yesterday, language))
    known = ((7, readers.mean_7d), (30, readers.mean_30d)) if means else ()
    texts = (
        language.say("uniques_of_days", number=mean_text(mean, language), days=days)
        for days, mean in known
        if mean is not None
    )
    if told := ", ".join(texts):
        yield language.say("means", means=told)


def _number(day: ReadersOfDay, language: Language) -> str:
    return " ".join(filter(None, (language.notation.whole(day.number),
                                  _margin(day.error, language))))  # fmt: skip


def _margin(error: float | None, language: Language) -> str:
    return f"±{language.notation.share(round(error * 1000), 1000)}" if error else ""


def mean_text(mean: float, language: Language) -> str:
    """A mean number of readers; a small one with a decimal."""
    notation = language.notation
    return notation.whole(round(mean)) if mean >= _SMALL_MEAN else notation.decimal(mean)


def readers_block(
    when: str, series: ReadersSeries, moment: Known, language: Language, **asked: str
) -> Block:
    """The readers of each day. `when` says of which; `asked` has the parameters of its CSV."""
    heading = language.say("readers_course", period=when).strip()
    points = series.points
    days = [date.fromisoformat(each.day) for each in points]
    edges = [quarter_of(datetime.fromisoformat(each.start)) for each in points]
    edges.append(edges[-1] + PER_DAY)
    now = salt_day_number(day_of(moment.as_of, moment.zone)) - salt_day_number(days[0])
    unfinished = now if 0 <= now < len(points) else None
    legend = (("now", language.say("people")), ("open", language.say("open_day")))
    head = tuple(map(language.say, ("day", "people", "uncertainty")))
    rows = (
        (language.whole_day(day), language.notation.whole(each.readers), _certainty(each, language))
        for day, each in zip(days, points, strict=True)
    )
    last = date.fromisoformat(points[-1].day) + timedelta(days=1)
    query = {"from": points[0].day, "to": last.isoformat(), **asked, "format": "csv"}
    exact, error = language.notation.whole(EXACT), _margin(ERROR, language)
    notes = [_mean_told(series, language), language.say("readers_note", exact=exact, error=error)]
    return Block(
        id="readers-heading",
        heading=heading,
        plot=course_plot(
            Caption("readers", heading, _described(series, language)),
            [each.readers for each in points],
            [],
            list(axis_marks("day", edges, moment.zone, language)),
            language.notation,
            unfinished=unfinished,
        ),
        table=numbers_table(heading, head, rows),
        csv=f"/stats/readers?{urlencode(query)}",
        note=" ".join(filter(None, notes)),
        legend=legend,
    )


def _certainty(point: ReadersPoint, language: Language) -> str:
    if point.readers is None:
        return NO_NUMBER
    return _margin(point.error, language) or language.say("exact")


def _described(series: ReadersSeries, language: Language) -> str:
    """What the course says. It has no total."""
    known = [(each.readers, each.day) for each in series.points if each.readers is not None]
    if not any(readers for readers, _ in known):
        return language.say("described_none")
    most, day = max(known, key=lambda each: each[0])
    when = language.whole_day(date.fromisoformat(day))
    text = language.say("described_most", most=language.notation.whole(most), when=when)
    return " ".join(filter(None, (text, _mean_told(series, language))))


def _mean_told(series: ReadersSeries, language: Language) -> str:
    if series.mean is None:
        return ""
    return language.say("described_mean", mean=mean_text(series.mean, language))
