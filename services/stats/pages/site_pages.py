"""`/stats/`: made from the figures that stats has in memory, in short turns."""

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from urllib.parse import urlencode

from services.stats.compared import course_compared
from services.stats.pages.blocks import Block, Known, Tile
from services.stats.pages.kept import KeptPages
from services.stats.pages.languages import DEFAULT_LANGUAGE, LANGUAGES, Language
from services.stats.pages.lists import LISTED, PageList, top_list, trend_list
from services.stats.pages.reader_blocks import (
    known_since,
    readers_block,
    readers_days,
    readers_query,
)
from services.stats.pages.recent import RecentHours
from services.stats.pages.shown import AS_OF, COMPLETE, VIEW_AS_OF, HtmlPage, PageRenderer
from services.stats.pages.site_blocks import SiteBlocks
from services.stats.pages.site_tiles import people_tiles, period_tiles, total_tile
from services.stats.pages.spans import DEFAULT_PERIOD, MOST_HEAT_DAYS, PERIODS, warm_hours
from services.stats.parameters import TopParameters, TrendingParameters
from services.stats.reports import Reports, SiteFigures
from services.stats.traffic.keeper import Keeper
from services.stats.traffic.view import Section, View
from services.stats.traffic.windows import window_spans
from shared.base.errors import Problem, Unavailable

SITE_PATH = "/stats/"
DAYS_IN_A_TURN = 8


def site_address(period: str, language: str) -> str:
    """The address of the page; defaults are left out."""
    asked = {"period": (period, DEFAULT_PERIOD), "lang": (language, DEFAULT_LANGUAGE)}
    query = urlencode({name: value for name, (value, usual) in asked.items() if value != usual})
    return f"{SITE_PATH}?{query}" if query else SITE_PATH


class SitePages:
    """Makes the page, one at a time, and keeps each form of it for a moment."""

    def __init__(
        self,
        *,
        reports: Reports,
        keeper: Keeper,
        recent: RecentHours,
        renderer: PageRenderer,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._reports, self._keeper, self._recent = reports, keeper, recent
        self._renderer = renderer
        self._kept, self._turn = KeptPages(seconds), asyncio.Lock()

    async def page(self, period: str, language: Language) -> HtmlPage:
        """The page of one of `PERIODS`."""
        key = (period, language.code)
        if page := self._kept.held(key):
            return page
        async with self._turn:  # a crowd that asks for the same page makes it once
            return await self._kept.get(key, lambda: self._make(period, language))

    async def _make(self, period: str, language: Language) -> HtmlPage:
        figures, view = await self._reports.site_figures(), await self._view()
        zone = self._renderer.zone
        moment = Known(figures.as_of, figures.courses.since, zone)
        blocks = self._blocks(figures, moment, period, language)
        lists, listed_at = await self._lists(period, language, figures.as_of)
        readers = await self._readers(figures, period, moment, language)
        await warm_hours(figures.as_of, zone, MOST_HEAT_DAYS, DAYS_IN_A_TURN)
        shown = []
        for make, kind in self._wanted(blocks, readers, period, view):
            shown.append((make(), kind))
            await asyncio.sleep(0)  # each takes a millisecond or two
        today = blocks.today()
        tiles = self._tiles(figures, moment, language)
        through = figures.answer.complete_through
        await asyncio.sleep(0)
        return self._renderer.page(
            "site.html",
            language,
            moments={
                AS_OF: figures.as_of,
                VIEW_AS_OF: listed_at or figures.as_of,
                COMPLETE: datetime.fromisoformat(through or figures.answer.as_of),
            },
            now=figures.as_of,
            page_title=language.say("statistics"),
            addresses={code: site_address(period, code) for code in LANGUAGES},
            periods=[(each, site_address(each, language.code)) for each in PERIODS],
            period=period,
            total=language.notation.whole(figures.answer.total),
            complete=language.say("complete", moment=COMPLETE) if through else "",
            tiles=tiles,
            today=today,
            blocks=shown,
            ready=bool(lists) and view is not None and view.sections() is not None,
            lists=lists,
        )

    async def table(self, name: str, period: str) -> Block:
        """The plot `name`, which is not a series, for its CSV. Raises `Problem` 404 if there is
        none, and `Unavailable` while it is being prepared.
        """
        async with self._turn:
            figures, zone = await self._reports.site_figures(), self._renderer.zone
            moment = Known(figures.as_of, figures.courses.since, zone)
            blocks = self._blocks(figures, moment, period, LANGUAGES[DEFAULT_LANGUAGE])
            if name == "sections":
                sections = (await self._keeper.current()).sections()
                if sections is None:
                    raise Unavailable("the sections are being prepared")
                return self._sections(blocks, sections)
            if name == "heat":
                await warm_hours(figures.as_of, zone, MOST_HEAT_DAYS, DAYS_IN_A_TURN)
            made = {"heat": blocks.heat, "referrers": blocks.referrers, "devices": blocks.devices}
            if name not in made:
                raise Problem(404, "pages have no such table")
            return made[name]()

    def _blocks(
        self, figures: SiteFigures, moment: Known, period: str, language: Language
    ) -> SiteBlocks:
        span = window_spans(figures.as_of, moment.zone)[period]
        return SiteBlocks(figures.courses.courses, moment, language, period, span)

    def _wanted(
        self, blocks: SiteBlocks, readers: Block | None, period: str, view: View | None
    ) -> list[tuple[Callable[[], Block], str]]:
        """What makes each block, and its kind."""
        wanted: list[tuple[Callable[[], Block], str]] = [(blocks.course, "wide")]
        if period != "12mo":
            wanted.append((blocks.year, "wide"))
        if readers:
            wanted.append((lambda: readers, "wide"))
        wanted.append((blocks.heat, ""))
        sections = view.sections() if view else None
        if sections is not None:
            wanted.append((lambda: self._sections(blocks, sections), ""))
        wanted.append((blocks.classes, "wide"))
        return [*wanted, (blocks.referrers, ""), (blocks.devices, "")]

    def _sections(self, blocks: SiteBlocks, sections: Mapping[str, Section]) -> Block:
        courses = {name: section.course for name, section in sections.items()}
        return blocks.sections(courses, self._renderer.sections)

    async def _readers(
        self, figures: SiteFigures, period: str, moment: Known, language: Language
    ) -> Block | None:
        """The course of unique readers; None while none are known."""
        since = known_since(figures.answer.readers, moment.zone)
        if since is None:
            return None
        first, end = readers_days(period, figures.as_of, moment.zone, since)
        series, _ = await self._reports.readers(readers_query(first, end))
        shown = {"24h": "7d"}.get(period, period)
        return readers_block(language.say(f"in_{shown}"), series, moment, language)

    async def _view(self) -> View | None:
        try:
            return await self._keeper.current()
        except Unavailable:
            return None

    async def _lists(
        self, period: str, language: Language, now: datetime
    ) -> tuple[list[PageList], datetime | None]:
        """The lists with their moment; none while they are being prepared."""
        try:
            top = await self._reports.top(TopParameters(window=period, limit=LISTED))
            trending = await self._reports.trending(TrendingParameters(limit=LISTED))
        except Unavailable:
            return [], None
        articles = {each.article for each in top.items}
        articles |= {each.article for each in trending.items}
        hours = await self._recent.of(articles, now)
        lists = [top_list(top, hours, language), trend_list(trending, hours, language)]
        return lists, datetime.fromisoformat(top.as_of)

    def _tiles(self, figures: SiteFigures, moment: Known, language: Language) -> list[Tile]:
        course, since = figures.courses.of(), figures.courses.since
        by_week, by_previous = (
            course_compared(by, figures.as_of, moment.zone, since, course)
            for by in ("last_week", "previous")
        )
        return [
            *period_tiles(figures.answer, by_week, by_previous, moment, language),
            total_tile(figures.answer, language),
            *people_tiles(figures.answer, moment, language),
        ]
