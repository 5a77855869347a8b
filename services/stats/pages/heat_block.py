"""The heat map of `/stats/`: the mean reads of each hour of the week. Pure."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from services.stats.drawing.heat import heat_plot
from services.stats.drawing.markup import Caption, numbers_table
from services.stats.drawing.notation import NO_NUMBER
from services.stats.pages.blocks import Block, Known, table_csv
from services.stats.pages.languages import Language
from services.stats.pages.spans import clock_hours, hour_edges, is_over, local_date
from services.stats.traffic.course import LongCourse

HOURS, WEEKDAYS = 24, 7
_COLUMNS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
Means = Sequence[Sequence[float | None]]
"""Mean reads by weekday and hour; None is not known."""


def heat_block(
    days: int, course: LongCourse, moment: Known, language: Language, period: str
) -> Block:
    """The means of the last `days` days. The hour that is not over is left out."""
    first = local_date(moment.as_of, moment.zone) - timedelta(days=days - 1)
    edges = hour_edges(first, days, moment.zone)
    places = [
        ((first + timedelta(days=each)).weekday(), hour)
        for each in range(days)
        for hour in clock_hours(first + timedelta(days=each), moment.zone)
    ]
    reads = zip(moment.reads(course, edges), is_over(edges, moment.as_of), strict=True)
    cells = _means(places, [number if over else None for number, over in reads])
    names, heading = language.short_weekdays, language.say("heat")
    clocks = [f"{hour:02}:00" for hour in range(HOURS)]

    def shown(day: int, hour: int) -> str:
        value = cells[day][hour]
        return NO_NUMBER if value is None else language.notation.decimal(value)

    rows = (
        (clock, *(shown(day, hour) for day in range(WEEKDAYS))) for hour, clock in enumerate(clocks)
    )
    return Block(
        id="heat-heading",
        heading=heading,
        plot=heat_plot(
            Caption("heat", heading, _described(cells, language)),
            names,
            [language.hour(hour) if hour % 6 == 0 else "" for hour in range(HOURS)],
            cells,
            lambda day, hour: f"{names[day]} {clocks[hour]}: {shown(day, hour)}",
        ),
        table=numbers_table(heading, (language.say("hour"), *names), rows),
        csv=table_csv("heat", period),
        note=language.say("heat_note", days=days),
        legend=(("h1", language.say("few")), ("h6", language.say("many"))),
        columns=("hour", *_COLUMNS),
        rows=list(_rows(cells)),
    )


def _rows(cells: Means) -> Iterator[Sequence[float | None]]:
    """The rows of the CSV."""
    for hour in range(HOURS):
        yield (hour, *(None if (mean := row[hour]) is None else round(mean, 1) for row in cells))


def _described(cells: Means, language: Language) -> str:
    most, day, hour = max(
        (value or 0.0, -day, -hour)
        for day, row in enumerate(cells)
        for hour, value in enumerate(row)
    )
    if not most:
        return language.say("described_none")
    when = f"{language.weekdays[-day]} {-hour:02}:00"
    return language.say("described_heat", when=when, number=language.notation.decimal(most))


def _means(places: Sequence[tuple[int, int]], reads: Sequence[int | None]) -> Means:
    sums, numbers = ([[0] * HOURS for _ in range(WEEKDAYS)] for _ in range(2))
    for (day, hour), number in zip(places, reads, strict=True):
        if number is not None:
            sums[day][hour] += number
            numbers[day][hour] += 1
    return [
        [total / number if number else None for total, number in zip(*row, strict=True)]
        for row in zip(sums, numbers, strict=True)
    ]
