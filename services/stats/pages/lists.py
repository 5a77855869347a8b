"""The lists of articles of `/stats/`. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from services.stats import answers
from services.stats.drawing.lines import sparkline
from services.stats.pages.languages import Language
from services.stats.pages.shown import titled

LISTED = 10
"""Articles of a list."""
Hours = Mapping[str, Sequence[int]]
"""The reads of the last 24 hours by article: 24 numbers, the last hour with the current quarter."""


@dataclass(frozen=True, slots=True)
class ListedRow:
    """An article. The first of `numbers` leads to its figures."""

    article: str
    title: str
    url: str
    numbers: tuple[str, ...]
    spark: Markup


@dataclass(frozen=True, slots=True)
class PageList:
    """A list; `heads` are those of the numbers."""

    id: str
    heading: str
    heads: tuple[str, ...]
    rows: Sequence[ListedRow]
    csv: str
    empty: str
    note: str = ""


def top_list(top: answers.TopList, hours: Hours, language: Language) -> PageList:
    """The most read articles."""
    return PageList(
        id="top",
        heading=language.say("top", period=language.say(f"in_{top.window}")),
        heads=(language.say("reads"),),
        rows=[
            _row(item, (language.notation.whole(item.reads),), hours, language)
            for item in top.items
        ],
        csv=f"/stats/top?window={top.window}&limit=100&format=csv",
        empty=language.say("nothing"),
    )


def trend_list(trending: answers.TrendingList, hours: Hours, language: Language) -> PageList:
    """The trending articles."""
    notation = language.notation
    return PageList(
        id="trending",
        heading=language.say("trending"),
        heads=(language.say("reads"), language.say("expected")),
        rows=[
            _row(
                item, (notation.whole(item.reads), notation.decimal(item.expected)), hours, language
            )
            for item in trending.items
        ],
        csv="/stats/trending?limit=100&format=csv",
        empty=language.say("none_trending"),
        note=language.say("trending_note"),
    )


def _row(
    item: answers.TopItem | answers.TrendingItem,
    numbers: tuple[str, ...],
    hours: Hours,
    language: Language,
) -> ListedRow:
    return ListedRow(
        article=item.article,
        title=titled(item.title) or item.article,
        url=web_address(item.url),
        numbers=numbers,
        spark=_spark(hours.get(item.article), language),
    )


def _spark(reads: Sequence[int] | None, language: Language) -> Markup:
    if reads is None:
        return Markup("")
    whole = language.notation.whole
    title = language.say("spark_of", number=whole(sum(reads)), most=whole(max(reads)))
    return sparkline(title, reads)


def web_address(url: str) -> str:
    """`url` if a page may link to it, else "": the catalogue has what an event said."""
    return url if url.startswith(("https://", "http://")) else ""
