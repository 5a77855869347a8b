"""Panels of *Traffic* that stats answers: exact figures, in place of Prometheus' rates."""

from deploy.grafana.panels import Column, Fetch, Panel, PromQuery

WINDOWS = (
    *("1h", "6h", "24h", "7d", "30d", "90d", "12mo"),
    *("today", "yesterday", "week", "month", "year", "all"),
)
"""The windows of `/stats/top` that have a name."""
COMPARED = {
    "previous": "the period before",
    "last_week": "a week earlier",
    "last_year": "a year earlier",
}
"""What `/stats/site` compares periods with, and what people see."""
STEPS = {"hour": 8, "day": 400, "week": 2000}
"""The steps of `/stats/series`, and up to how many days each serves; of longer times, months. A
series has at most 2000 points.
"""
LAST_STEP = "month"

_SERIES = "/stats/series?step=${step}&from=${__from:date:iso}&to=${__to:date:iso}"
_START = Column("time", "Start", "timestamp_epoch")
_CLASSES = {
    "reader": "people, from pages",
    "batch": "people, from servers and apps",
    "bot": "bots",
    "reload": "reloads",
    "prefetch": "fetched ahead",
    "origin": "sent by other sites",
    "limit": "over the limit",
    "other": "other",
}
_REFERRERS = {
    "direct": "direct",
    "site": "our own pages",
    "search": "search engines",
    "social": "social networks",
    "other": "other sites",
    "not_known": "not known",
}
_DEVICES = {
    "mobile": "phones",
    "tablet": "tablets",
    "desktop": "computers",
    "other": "other",
    "not_known": "not known",
}
_PERIODS = {"today": "Today", "yesterday": "Yesterday", "week": "This week", "month": "This month"}

FIGURES = (
    Panel(
        "Counted reads of the site",
        "stat",
        Fetch(
            "/stats/site",
            "",
            (
                Column("today", "Today"),
                Column("yesterday", "Yesterday"),
                Column("week", "This week"),
                Column("month", "This month"),
                Column("year", "This year"),
                Column("total", "Ever, with the earlier system"),
            ),
        ),
        "locale",
        "Exact figures from stats. If they stand still, look at the counting lag in Pipeline.",
        width=24,
        height=4,
    ),
)

COMPARISONS = tuple(
    Panel(
        f"{title} and ${{compare:text}}",
        "stat",
        Fetch(
            "/stats/site?compare=${compare}",
            f"compared.{period}",
            (Column("reads", title.lower()), Column("before", "earlier")),
        ),
        "locale",
        "Both until the start of the current quarter of an hour, and until the same moment of "
        "the earlier period; yesterday is whole. The variable Compared with chooses that: "
        "the period before, the same days a week earlier, or the same dates a year earlier. "
        "Not known: it began before the first counted read.",
        width=6,
        height=4,
        empty="not known",
    )
    for period, title in _PERIODS.items()
)


def _split(title: str, by: str, names: dict[str, str], about: str) -> Panel:
    """Stacked bars, one colour for each class."""
    columns = (Column(f"by.{key}", name) for key, name in names.items())
    return Panel(
        title,
        "timeseries",
        Fetch(f"{_SERIES}&split={by}", "points", (_START, *columns)),
        "locale",
        about,
        width=12,
        height=8,
        stacked=True,
        gray=tuple(name for key, name in names.items() if key == "not_known"),
    )


READERS = (
    Panel(
        "Readers online",
        "stat",
        (PromQuery('max(luotdoc_online_readers{service="stats"})', "now"),),
        "short",
        "Distinct readers of the last five minutes. People who share an address and a browser are "
        "one. Not shown while stats is behind the stream of reads.",
        width=6,
        height=8,
        decimals=0,
    ),
    Panel(
        "Unique readers by day",
        "table",
        Fetch(
            "/stats/readers",
            "points",
            (
                Column("day", "Day", "string"),
                Column("readers", "Readers"),
            ),
        ),
        "locale",
        "Of the last thirty days, whatever time is selected. A day of readers begins at 04:00. "
        "Exact up to 1,000, then within ±2 % in 95 of 100 cases. Days can't be added up.",
        width=18,
        height=8,
    ),
)

OVER_TIME = (
    Panel(
        "Counted reads by $step",
        "timeseries",
        Fetch(_SERIES, "points", (_START, Column("reads", "Reads"))),
        "locale",
        "Exact, in the selected time; hours, days, weeks and months are those of the site's time "
        "zone. The last bar has just begun. An empty hour by day: look at Pipeline. Time before "
        "the first counted read has no bar.",
        width=12,
        height=8,
    ),
    _split(
        "People and bots: all reads by $step and class",
        "class",
        _CLASSES,
        "Only people's reads are counted. The others are filtered, and the class says why: a bot, "
        "the same visitor again, a browser that fetches ahead, a page of another site, an address "
        "with too many reads.",
    ),
    _split(
        "Where readers came from, by $step",
        "referrer",
        _REFERRERS,
        "Counted reads from pages. Direct: without a referrer, such as a bookmark. Not known: "
        "the page didn't say it. Search engines that fall: look at the site map and at titles.",
    ),
    _split(
        "What readers read on, by $step",
        "device",
        _DEVICES,
        "Counted reads from pages, by the device that the browser names. A device that falls to "
        "nothing: open the site on one.",
    ),
)

ARTICLES = (
    Panel(
        "Most read articles: $window",
        "table",
        Fetch(
            "/stats/top?window=${window}&limit=20",
            "items",
            (
                Column("title", "Article", "string"),
                Column("reads", "Reads"),
                Column("url", "Address", "string"),
            ),
        ),
        "locale",
        "Counted reads of people. The title opens the article. The variable Window chooses the "
        "time; it does not follow the dashboard's. `week` begins on Monday.",
        width=12,
        height=14,
        link=("Article", "${__data.fields.Address}"),
        hidden="Address",
    ),
    Panel(
        "Trending articles: read more in the last two hours than expected",
        "table",
        Fetch(
            "/stats/trending?limit=20",
            "items",
            (
                Column("title", "Article", "string"),
                Column("reads", "Reads"),
                Column("expected", "Expected"),
                Column("score", "Score"),
                Column("url", "Address", "string"),
            ),
        ),
        "locale",
        "Expected: as the article's day before and the site's course of the day say. The score is "
        "(reads - expected) / √(expected + 4): the higher, the less it is chance. The title opens "
        "the article.",
        width=12,
        height=14,
        link=("Article", "${__data.fields.Address}"),
        hidden="Address",
        decimals=1,
        empty="Nothing is read more than expected",
    ),
)

SECTIONS = Panel(
    "Counted reads by section",
    "table",
    Fetch(
        "/stats/sections",
        "sections",
        (
            Column("section", "Section", "string"),
            Column("articles", "Articles"),
            Column("today", "Today"),
            Column("yesterday", "Yesterday"),
            Column("week", "This week"),
            Column("month", "This month"),
            Column("year", "This year"),
            Column("total", "Ever"),
        ),
    ),
    "locale",
    "Counted reads of all articles that are in the section now, whenever they were read. Articles: "
    "published ones. Ever: with those of the earlier system.",
    width=14,
    height=9,
)
