"""An article's page."""

from dataclasses import dataclass

from services.render.kinds.parts import PageParts, Side
from services.render.machine.hreflang import alternates_of
from services.render.page import Page
from services.render.rendering.renderer import (
    ALTERNATES_MARK,
    ASIDE_MARK,
    READS_MARK,
    RELATED_MARK,
)
from services.render.serving.answers import Answer, redirect
from services.render.serving.fragments import Fragments
from services.render.serving.prepared import PagePiece, piece
from services.render.serving.routes import Asked
from services.render.serving.tags import tag_of_page

PATTERN = r"/([a-z0-9-]{1,100})/(?:([a-z0-9-]{0,100})-)?([a-z0-9]{1,32})\.html"
RELATED = 4


@dataclass(frozen=True, slots=True)
class Near:
    """What a page says of other articles: links to its translations, and to related ones."""

    alternates: PagePiece
    related: PagePiece


class ArticlePage:
    """Answers requests for an article's page. `neighbours`: by article id."""

    def __init__(self, parts: PageParts, neighbours: Fragments[Near]) -> None:
        self._parts, self._neighbours = parts, neighbours

    async def __call__(self, asked: Asked) -> Answer:
        """The page; 301 from an old slug or section, 410 for a withdrawn article."""
        if (answer := self.at_once(asked)) is not None:
            return answer
        parts = self._parts
        parts.require_totals()
        page, stale = await parts.cache.get(asked.groups[2])
        if page is None or page.state == "rescheduled":
            return parts.errors.not_found(asked.language)
        if page.state == "withdrawn":
            return parts.errors.gone(page, await self._instead(page))
        if page.path != asked.path:
            return redirect(page.path, 301, asked.query)
        side, stale_side = await parts.side(page.language or asked.language, page.id)
        near, _ = await self._neighbours.get(page.id, lambda: self._near(page))
        if stale or stale_side:
            return self._made(page, side, near, self._reads(page), stale=True)
        return self._kept(page, side, near)

    def at_once(self, asked: Asked) -> Answer | None:
        """The page, if all of it is in memory and current."""
        parts = self._parts
        page = parts.cache.peek(asked.groups[2])
        if page is None or page.path != asked.path or not parts.totals.loaded:
            return None
        near = self._neighbours.peek(page.id)
        side = parts.side_at_once(page.language or asked.language, page.id)
        return None if near is None or side is None else self._kept(page, side, near)

    def _kept(self, page: Page, side: Side, near: Near) -> Answer:
        reads = self._reads(page)
        return self._parts.hot.get(
            page.id, (page, side, near), reads, lambda: self._made(page, side, near, reads)
        )

    def _reads(self, page: Page) -> int:
        return page.baseline + self._parts.totals.of(page.id)

    def _made(
        self, page: Page, side: Side, near: Near, reads: int, *, stale: bool = False
    ) -> Answer:
        assert page.prepared is not None  # noqa: S101  (those in memory are)
        shown = self._parts.renderer.words(page.language).number(reads)
        live = {
            READS_MARK: piece(shown),
            ASIDE_MARK: side.piece,
            ALTERNATES_MARK: near.alternates,
            RELATED_MARK: near.related,
        }
        around = b"".join((side.tag, near.alternates.plain, near.related.plain))
        return Answer(
            kind="article",
            section=self._parts.metrics.section(page.section),
            pieces=page.prepared.filled(live),
            tag=tag_of_page(page, shown, around),
            stale=stale,
        )

    async def _instead(self, withdrawn: Page) -> Page | None:
        if not withdrawn.replaced_by:
            return None
        page, _ = await self._parts.cache.get(withdrawn.replaced_by)
        return page if page and page.state == "published" else None

    async def _near(self, page: Page) -> Near:
        parts = self._parts
        every = (await alternates_of([page], parts.store.translations)).get(page.id, {})
        found = await parts.store.related(page, RELATED)
        items = [parts.item(each) for each in found]
        return Near(
            piece(parts.renderer.alternates(every, page.language)),
            piece(parts.renderer.related(items, page.language)),
        )
