"""The figures at the head of the pages, each beside an earlier period. Pure."""

from datetime import datetime, timedelta

from services.stats import answers
from services.stats.pages.blocks import Known, Tile
from services.stats.pages.languages import Language
from services.stats.pages.reader_blocks import readers_tile

PERIOD_TILES = ("today", "yesterday", "week", "month", "year")
_NOTES = {
    "today": "same_time",
    "yesterday": "whole_day",
    "week": "than_week",
    "month": "than_month",
    "year": "than_year",
}


def period_tiles(
    figures: answers.Site | answers.ArticleReads,
    by_week: answers.Compared,
    by_previous: answers.Compared,
    moment: Known,
    language: Language,
) -> list[Tile]:
    """Today and yesterday beside the same weekday of the week before; this week, month and year
    beside the last ones, until the same moment. The last quarter of an hour is in a figure, but
    not in its comparison.
    """
    through = datetime.fromisoformat(by_week.through).astimezone(moment.zone)
    today = moment.as_of.astimezone(moment.zone).date()
    found = []
    for name in PERIOD_TILES:
        compared = by_week if name in ("today", "yesterday") else by_previous
        pair: answers.PeriodPairReads = getattr(compared, name)
        day = today - timedelta(days=1) if name == "yesterday" else today
        note = language.say("no_before" if pair.before is None else "none_before")
        if pair.before:
            note = language.say(
                _NOTES[name],
                change=language.notation.change(pair.reads, pair.before),
                reads=language.notation.whole(pair.reads),
                number=language.notation.whole(pair.before),
                day=language.weekday(day),
                time=f"{through:%H:%M}",
            )
        number = language.notation.whole(getattr(figures, name))
        found.append(Tile(language.say(name), number, note))
    return found


def total_tile(figures: answers.Site, language: Language) -> Tile:
    """All reads of the site."""
    whole, note = language.notation.whole, ""
    if figures.baseline:
        note = language.say("baseline_note", number=whole(figures.baseline))
    return Tile(language.say("total"), whole(figures.total), note)


def people_tiles(
    figures: answers.Site | answers.ArticleReads,
    moment: Known,
    language: Language,
    *,
    means: bool = True,
) -> list[Tile]:
    """Readers online, and those of today with the means of the days before. What is not known yet
    has no number.
    """
    online = "" if figures.online is None else language.notation.whole(figures.online)
    return [
        Tile(language.say("online"), online, language.say("online_note") if online else ""),
        readers_tile(figures.readers, moment, language, means=means),
    ]
