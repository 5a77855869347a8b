"""The archive: the months with articles, and the articles of each."""

from datetime import datetime

from services.render.kinds.lists import ListOf, Lists
from services.render.kinds.parts import PageParts
from services.render.rendering.renderer import ASIDE_MARK
from services.render.serving.answers import Answer
from services.render.serving.fragments import Fragments
from services.render.serving.routes import Asked
from services.render.serving.tags import tag_of

ARCHIVE = "luu-tru"


class ArchivePage:
    """Answers requests for the list of months."""

    def __init__(self, parts: PageParts, months: Fragments[list[tuple[int, int, int]]]) -> None:
        """`months`: (year, month, number of articles) by language, newest first."""
        self._parts, self._months = parts, months

    async def __call__(self, asked: Asked) -> Answer:
        """The months with articles, by year."""
        parts = self._parts
        parts.require_totals()
        wanted = parts.wanted(asked.language)
        months, stale = await self._months.get(
            asked.language, lambda: parts.store.months(wanted, parts.renderer.zone)
        )
        side, stale_side = await parts.side(asked.language)
        words = parts.renderer.words(asked.language)
        base, years = f"{asked.prefix}/{ARCHIVE}/", dict[int, list[tuple[int, int]]]()
        for year, month, pages in months:
            years.setdefault(year, []).append((month, pages))
        html = parts.renderer.page(
            "archive.html",
            title=words.say("Lưu trữ"),
            canonical=parts.renderer.site.url + base,
            language=asked.language,
            base=base,
            every=parts.renderer.site.in_every_language(f"/{ARCHIVE}/"),
            years=years,
            month_name=lambda year, month: words.month_alone(
                datetime(year, month, 1, tzinfo=words.zone)
            ),
        )
        return Answer(
            kind="list",
            body=html.replace(ASIDE_MARK, side.html).encode(),
            tag=tag_of(html.encode() + side.tag),
            stale=stale or stale_side,
        )


class MonthPage:
    """Answers requests for the articles of a month in the site's zone."""

    def __init__(self, parts: PageParts, lists: Lists) -> None:
        self._parts, self._lists = parts, lists

    async def __call__(self, asked: Asked) -> Answer:
        """The month's articles; 404 without any."""
        year, month = int(asked.groups[0]), int(asked.groups[1])
        if not 1900 <= year <= 2900:
            return self._parts.errors.not_found(asked.language)
        zone = self._parts.renderer.zone
        begin = datetime(year, month, 1, tzinfo=zone)
        end = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=zone)
        wanted = self._parts.wanted(asked.language, since=begin, until=end)
        base = f"{asked.prefix}/{ARCHIVE}/{year}/{month:02}/"
        heading = self._parts.renderer.words(asked.language).month(begin)
        return await self._lists.answer(
            asked, ListOf(base=base, wanted=wanted, heading=lambda _: heading)
        )
