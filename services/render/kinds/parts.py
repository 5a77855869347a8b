"""What every kind of page is made of: the pages, the counts, and what stands beside them."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any

from luotdoc_subscriber.base.clock import Clock, now
from services.render.cursors import PagePlace
from services.render.figures import VisitFigures
from services.render.kinds.errors import Errors
from services.render.metrics import RenderMetrics
from services.render.page import Page, Wanted
from services.render.rendering.renderer import ASIDE_MARK, Renderer
from services.render.serving.answers import Answer
from services.render.serving.cache import PageCache
from services.render.serving.database import NoAnswer, ReaderQueries
from services.render.serving.fragments import Fragments
from services.render.serving.prepared import PagePiece, PreparedPage, piece, prepared_page
from services.render.serving.tags import tag_of
from services.render.store import PageStore
from services.render.totals import Totals

MOST_SIDES = 100
LATEST = 6
"""Newest articles in the side column."""
HOT = 300
"""Answers that are kept whole, about 30 KB each. The others are put together for each request."""


@dataclass(frozen=True, slots=True)
class Side:
    """The side column with the site's figures of this moment, and its tag without them."""

    html: str
    tag: bytes
    piece: PagePiece


@dataclass(frozen=True, slots=True)
class PreparedList:
    """A page of several articles without its side column, and its tag."""

    page: PreparedPage
    tag: bytes


def prepared_list(html: str) -> PreparedList:
    """The list `html`, which has a mark for the side column."""
    before, mark, after = html.partition(ASIDE_MARK)
    return PreparedList(prepared_page([before, mark, after]), tag_of(html.encode()))


class HotAnswers:
    """The answers that are asked for the most, each with what it was made of."""

    def __init__(self) -> None:
        self._made: OrderedDict[Hashable, tuple[tuple[object, ...], int, Answer]] = OrderedDict()

    def get(
        self, key: Hashable, of: tuple[object, ...], reads: int, make: Callable[[], Answer]
    ) -> Answer:
        """The answer `key`. It is made again when an object in `of` is another one, or `reads` is
        another number.
        """
        held = self._made.get(key)
        if held and held[1] == reads and all(map(_is, held[0], of)):
            self._made.move_to_end(key)
            return held[2]
        answer = make()
        self._made[key] = of, reads, answer
        self._made.move_to_end(key)
        if len(self._made) > HOT:
            self._made.popitem(last=False)
        return answer


_HeldSide = tuple[list[dict[str, Any]], int, VisitFigures | None, Side]
"""What a side column was made of, and the column."""


@dataclass(frozen=True, kw_only=True)
class PageParts:
    """The parts that kinds of pages share."""

    renderer: Renderer
    store: PageStore
    queries: ReaderQueries
    cache: PageCache
    lists: Fragments[PreparedList | None]
    """None: there is no such list."""
    asides: Fragments[list[dict[str, Any]]]
    ranked: Fragments[list[tuple[Page, int]]]
    """Articles of the lists that stats makes, each with its reads in the list's time."""
    totals: Totals
    errors: Errors
    metrics: RenderMetrics
    hot: HotAnswers = field(default_factory=HotAnswers)
    _sides: dict[tuple[str, str], tuple[list[dict[str, Any]], int, VisitFigures | None, Side]] = (
        field(default_factory=dict)
    )
    clock: Clock = now

    def require_totals(self) -> None:
        """Raises `NoAnswer` until the counts are loaded: without them pages would show, and caches
        keep, counts that are too low.
        """
        if not self.totals.loaded:
            raise NoAnswer("the read counts are not loaded yet")

    def wanted(self, language: str, **more: Any) -> Wanted:
        """Which articles a list of `language` shows, with further conditions."""
        languages = self.renderer.site.languages
        return Wanted(language=language if len(languages) > 1 else None, **more)

    async def side(self, language: str, beside: str = "") -> tuple[Side, bool]:
        """The side column, and whether it is stale. Its newest articles are without the article
        `beside` which it stands.
        """
        found, stale = await self.asides.get(language, lambda: self._latest(language))
        return self._side(language, found, beside), stale

    def side_at_once(self, language: str, beside: str = "") -> Side | None:
        """The side column; None if that needs a query."""
        found = self.asides.peek(language)
        return None if found is None else self._side(language, found, beside)

    def _side(self, language: str, found: list[dict[str, Any]], beside: str) -> Side:
        latest = [item for item in found if item["id"] != beside][:LATEST]
        key = language, beside if any(item["id"] == beside for item in found) else ""
        totals = self.totals
        total = totals.site + totals.baseline + self.renderer.site.baseline
        figures = totals.figures()
        held = self._sides.get(key)
        if held and held[0] is found and held[1] == total and held[2] == figures:
            return held[3]
        html = self.renderer.aside(latest, total, figures, language=language)
        shown = [(item["url"], item["title"]) for item in latest]
        side = Side(html, tag_of(repr(shown).encode()), piece(html))
        if len(self._sides) > MOST_SIDES:
            self._sides.clear()
        self._sides[key] = found, total, figures, side
        return side

    def listed(
        self, key: Hashable, made: PreparedList, side: Side, *, section: str, stale: bool
    ) -> Answer:
        """The answer with a list. `section` is the label of metrics."""

        def answer() -> Answer:
            return Answer(
                kind="list",
                section=section,
                pieces=made.page.filled({ASIDE_MARK: side.piece}),
                tag=tag_of(made.tag + side.tag),
                stale=stale,
            )

        return answer() if stale else self.hot.get(key, (made, side), 0, answer)

    async def _latest(self, language: str) -> list[dict[str, Any]]:
        found = await self.store.listing(self.wanted(language), LATEST + 1)
        return [self.item(page) for page in found]

    def item(self, page: Page) -> dict[str, Any]:
        """An article as lists show it."""
        assert page.published_at is not None  # noqa: S101  (only tombstones lack it)
        words = self.renderer.words(page.language)
        published = page.published_at.astimezone(words.zone).replace(microsecond=0)
        reads = page.baseline + self.totals.of(page.id)
        return {
            **page.summary,
            "id": page.id,
            "image": self.renderer.shown_image(page.summary["image"], page.summary.get("picture")),
            "url": page.path,
            "published": published,
            "published_text": words.moment(published),
            "reads": words.number(reads),
            "read_count": reads,
            "section": self.renderer.site.section(page.section),
        }


def _is(one: object, other: object) -> bool:
    return one is other


def place_of_page(page: Page) -> PagePlace:
    """The place of a page in lists."""
    assert page.published_at is not None  # noqa: S101  (only tombstones lack it)
    return PagePlace(page.published_at, page.id)
