"""`/stats/articles/{id}/`: made from an article's history, in short turns."""

import asyncio
import time
from collections.abc import Callable, Iterator
from datetime import date

from markupsafe import Markup

from services.stats.article_history import ArticleHistories, ArticleHistory
from services.stats.drawing.markup import numbers_table
from services.stats.pages.blocks import STEP_WORDS, Block, Known, Tile, course_block
from services.stats.pages.kept import KeptPages
from services.stats.pages.languages import LANGUAGES, Language
from services.stats.pages.lists import web_address
from services.stats.pages.reader_blocks import known_since, readers_block, readers_days
from services.stats.pages.shown import AS_OF, HtmlPage, PageRenderer, titled, tongue
from services.stats.pages.site_blocks import NOT_PEOPLE
from services.stats.pages.site_tiles import people_tiles, period_tiles
from services.stats.pages.spans import long_steps, today_steps
from services.stats.traffic.archive_export import EVERY_QUARTER
from services.stats.traffic.lines import line_reads, lines_of
from shared.base.errors import Problem
from shared.rabbit.batch import BATCH, READER

ARTICLES_PATH = "/stats/articles/"


class ArticlePages:
    """Makes the pages, and keeps each for a moment."""

    def __init__(
        self,
        *,
        histories: ArticleHistories,
        renderer: PageRenderer,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._histories, self._renderer = histories, renderer
        self._kept = KeptPages(seconds)

    async def page(self, article: str, language: Language) -> HtmlPage:
        """The page of an article; an error page if there is none, or it is withdrawn. Raises
        `Unavailable` if too many ask.
        """
        return await self._kept.get((article, language.code), lambda: self._make(article, language))

    async def _make(self, article: str, language: Language) -> HtmlPage:
        address = f"{ARTICLES_PATH}{article}/"
        try:
            history = await self._histories.history(article)
        except Problem as problem:
            if problem.status != 404:
                raise
            return self._renderer.error(404, language, address)
        if history.figures.state == "withdrawn":
            return self._renderer.error(410, language, address)
        await asyncio.sleep(0)
        moment = Known(history.as_of, history.since, self._renderer.zone)
        blocks = []
        for block in _blocks(history, moment, language):
            blocks.append(block)
            await asyncio.sleep(0)
        if readers := await self._readers(history, moment, language):
            blocks.append(readers)
        return self._shown(history, moment, language, blocks, address)

    async def _readers(
        self, history: ArticleHistory, moment: Known, language: Language
    ) -> Block | None:
        """The course of unique readers; None while none are known."""
        known = known_since(history.figures.readers, moment.zone)
        if known is None:
            return None
        first = max(known, _first_day(history, moment))
        days = readers_days("all", history.as_of, moment.zone, first)
        series = await self._histories.readers(history.figures.article, *days)
        # A new article has days before its publication: one or two points are no course.
        when = language.say("in_7d" if days[0] < first else "in_its_days")
        return readers_block(when, series, moment, language, article=history.figures.article)

    def _shown(
        self,
        history: ArticleHistory,
        moment: Known,
        language: Language,
        blocks: list[Block],
        address: str,
    ) -> HtmlPage:
        figures, whole = history.figures, language.notation.whole
        title = titled(figures.title) or figures.article
        published = ""
        if history.published_at:
            local = history.published_at.astimezone(moment.zone)
            text = f"{local:%H:%M}, {language.whole_day(local)}"
            published = language.say("published", moment=text)
        return self._renderer.page(
            "article.html",
            language,
            moments={AS_OF: history.as_of},
            page_title=f"{title} – {language.say('article_figures')}",
            addresses={code: address + tongue(each) for code, each in LANGUAGES.items()},
            article=figures.article,
            title=title,
            url=web_address(figures.url),
            published=published,
            total=whole(figures.reads),
            tiles=_tiles(history, moment, language),
            blocks=blocks,
            baseline=whole(figures.baseline) if figures.baseline else "",
            books=_books(history, language),
        )


def _tiles(history: ArticleHistory, moment: Known, language: Language) -> list[Tile]:
    by_week, by_previous = (
        history.compared("last_week", moment.zone),
        history.compared("previous", moment.zone),
    )
    periods = period_tiles(history.figures, by_week, by_previous, moment, language)[:-1]
    return [*periods, *people_tiles(history.figures, moment, language, means=False)]


def _first_day(history: ArticleHistory, moment: Known) -> date:
    """The day of the publication, or of the first known read if that is later."""
    if not history.published_at:
        return moment.first_day
    return max(moment.first_day, history.published_at.astimezone(moment.zone).date())


def _blocks(history: ArticleHistory, moment: Known, language: Language) -> Iterator[Block]:
    """The course since the publication, or since reads are known, and today's."""
    steps = long_steps(_first_day(history, moment), moment.as_of, moment.zone)
    step = language.say(STEP_WORDS[steps.step][1])
    heading = language.say("since_publication", step=step)
    reads = (language.say("reads"), "")
    article = history.figures.article
    yield course_block(
        ("course", heading), steps, history.of(), moment, language, reads, article=article
    )
    hours = today_steps(moment.as_of, moment.zone)
    day = language.weekday(moment.as_of.astimezone(moment.zone))
    labels = (language.say("today"), language.say("same_weekday", day=day))
    name = ("today", language.say("today_course"))
    yield course_block(name, hours, history.of(), moment, language, labels, article=article)


def _books(history: ArticleHistory, language: Language) -> Markup:
    """Every read that was accepted for the article, by class: counted and filtered ones."""
    whole = language.notation.whole
    lines = lines_of(history.courses, None, "class")
    reads_of = {kind: line_reads(EVERY_QUARTER, line)[0] for kind, line in lines.items()}
    counted = {kind: reads_of[kind] for kind in (READER, BATCH)}
    filtered = {kind: reads_of[kind] for kind in NOT_PEOPLE}
    rows = [
        *((language.say(kind), whole(reads)) for kind, reads in counted.items()),
        (language.say("counted"), whole(sum(counted.values()))),
        *((language.say(kind), whole(reads)) for kind, reads in filtered.items()),
        (language.say("filtered"), whole(sum(filtered.values()))),
        (language.say("accepted"), whole(sum(counted.values()) + sum(filtered.values()))),
    ]
    head = (language.say("class"), language.say("number"))
    sums = (len(counted), len(rows) - 2, len(rows) - 1)
    return numbers_table(language.say("books"), head, rows, sums)
