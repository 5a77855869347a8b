"""What is asked of stats: the questions of pages and dashboards, and those of hostile askers."""

import random
from collections.abc import Sequence
from datetime import date, timedelta
from zoneinfo import available_timezones

from services.stats.traffic.windows import FIXED
from tests.bench.traffic import article
from tests.bench.years import SECTIONS

Question = tuple[str, str]
"""(kind, path with its query)."""
SITE: Question = ("site", "/stats/site")
OF_AN_ARTICLE = "series of an article"
"""The usual kind that is answered from MongoDB; all others are answered from memory."""
KINDS = ("article", "classes", "export", "hours", "long", "of", "section", "top", "unknown")
"""Of hostile questions."""
ZONES = sorted(name for name in available_timezones() if "/" in name)


def usual(number: int, articles: int, today: date) -> list[Question]:
    """`number` questions of pages and dashboards in a random order. A portal has the article
    numbers 0 to `articles`.

    Of 100 questions 40 are of the site, 17 of a window's top list, 17 of a window's in a section,
    10 of a section, 5 of a series of the site, 6 of a section's, 5 of an article's; the series have
    the days of two years.
    """
    chance = random.Random(1)
    spans = f"step=day&from={today - timedelta(days=730)}&to={today + timedelta(days=1)}"

    def one() -> Question:
        section, window = chance.choice(SECTIONS), chance.choice(FIXED)
        at = chance.random() * 100
        if at < 40:
            return SITE
        if at < 57:
            return "top", f"/stats/top?window={window}"
        if at < 74:
            return "top of a section", f"/stats/top?window={window}&section={section}"
        if at < 84:
            return "section", f"/stats/sections/{section}"
        if at < 89:
            return "series of the site", f"/stats/series?{spans}"
        if at < 95:
            return "series of a section", f"/stats/series?{spans}&section={section}"
        of = article(min(articles - 1, int(articles * chance.random() ** 0.2)))
        return OF_AN_ARTICLE, f"/stats/series?{spans}&article={of}"

    return [one() for _ in range(number)]


def hostile(number: int, seed: int, articles: int, today: date) -> list[Question]:
    """`number` questions of somebody who wants to be a burden: hardly two are the same."""
    chance = random.Random(seed)

    def span(longest: int) -> str:
        days = chance.randint(1, longest)
        first = today - timedelta(days=chance.randint(0, 365) + days)
        return f"from={first}&to={first + timedelta(days=days)}&tz={chance.choice(ZONES)}"

    def form() -> str:
        return chance.choice(("", "&format=csv"))

    def one() -> Question:
        of = article(chance.randrange(articles))
        section = chance.choice(("", *(f"&section={each}" for each in SECTIONS)))
        kind = chance.choice(KINDS)
        match kind:
            case "top":
                window = chance.choice((f"{chance.randint(1, 744)}h", f"{chance.randint(1, 31)}d"))
                limit = chance.randint(1, 100)
                path = f"/stats/top?window={window}&limit={limit}{section}{form()}"
            case "of":
                path = f"/stats/articles/{of}"
            case "unknown":
                path = f"/stats/series?step=day&article=x{chance.randrange(10**9)}&{span(700)}"
            case "article":
                step = chance.choice(("day", "week", "month"))
                path = f"/stats/series?step={step}&article={of}&{span(1_900)}{form()}"
            case "hours":
                path = f"/stats/series?step=hour&{span(80)}{section}{form()}"
            case "export":
                some = f"article={of}" if chance.random() < 0.5 else span(3)
                path = f"/stats/export?{some}&format={chance.choice(('csv', 'ndjson'))}"
            case "long":
                path = f"/stats/series?step=hour&{span(1_900)}{section}&format=csv"
            case "classes":
                path = f"/stats/series?step=day&class=bot&{span(1_900)}{form()}"
            case _:
                path = f"/stats/sections?{form().lstrip('&')}"
        return kind, path

    return [one() for _ in range(number)]


def paths(questions: Sequence[Question]) -> str:
    """For the standard input of `tests.bench.getting`: a line each."""
    return "".join(f"{kind}\t{path}\n" for kind, path in questions)
