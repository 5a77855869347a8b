"""The page server. Raw ASGI, because pages are one of the two hot paths."""

import re
import time
from typing import Any

from luotdoc_subscriber.base.errors import Transient
from services.render.answers import FOREVER, GONE, NOT_FOUND, SHORT, UNAVAILABLE, Answers, Outcome
from services.render.cache import PageCache
from services.render.database import NoAnswer, ReaderQueries
from services.render.fragments import Fragments
from services.render.metrics import RenderMetrics
from services.render.pages import ASIDE_MARK, READS_MARK, Renderer, number
from services.render.paths import ARTICLE, MEDIA, SECTION, tag_of, tag_of_page
from services.render.store import Page, PageStore
from services.render.totals import Totals
from shared.web.asgi import Receive, Scope, Send, query_value, query_values, respond

PER_PAGE = 20
LATEST = 6
MAX_PAGE = 100

_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}


class PageServer:
    """Answers requests for every path of the site."""

    def __init__(
        self,
        *,
        renderer: Renderer,
        store: PageStore,
        queries: ReaderQueries,
        cache: PageCache,
        lists: Fragments[bytes],
        asides: Fragments[str],
        totals: Totals,
        metrics: RenderMetrics,
    ) -> None:
        self._renderer, self._store, self._queries = renderer, store, queries
        self._cache, self._lists, self._asides = cache, lists, asides
        self._totals, self._metrics = totals, metrics
        self._answers = Answers(renderer, metrics)

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer one request."""
        started = time.perf_counter()
        try:
            kind, section, status = await self._answer(scope["path"], scope, send)
        except Transient:
            kind, section, status = await self._answers.fail(
                send, UNAVAILABLE, [(b"retry-after", b"5")]
            )
        except Exception:
            self._metrics.answered("error", "", 500, time.perf_counter() - started)
            raise
        self._metrics.answered(kind, section, status, time.perf_counter() - started)

    async def _answer(self, path: str, scope: Scope, send: Send) -> Outcome:
        if scope["method"] not in ("GET", "HEAD"):
            await respond(send, 405, b"", [(b"allow", b"GET, HEAD")])
            return "error", "", 405
        if match := ARTICLE.fullmatch(path):
            return await self._article(match[3], path, scope, send)
        if path == "/":
            return await self._listing(None, scope, send)
        if path.startswith("/static/"):
            return await self._static(path.removeprefix("/static/"), scope, send)
        if match := MEDIA.fullmatch(path):
            return await self._media(match[1], scope, send)
        if match := SECTION.fullmatch(path):
            return await self._listing(match[1], scope, send)
        if path == "/favicon.ico":
            return await self._answers.redirect(send, self._renderer.static_url("favicon.svg"), 302)
        if SECTION.fullmatch(f"{path}/"):
            return await self._answers.redirect(send, f"{path}/", 301)
        return await self._answers.fail(send, NOT_FOUND)

    async def _article(self, article_id: str, path: str, scope: Scope, send: Send) -> Outcome:
        self._require_totals()
        page, stale = await self._cache.get(article_id)
        if page is None or page.state == "rescheduled":
            return await self._answers.fail(send, NOT_FOUND)
        if page.state == "withdrawn":
            return await self._answers.fail(send, GONE)
        if page.path != path:
            return await self._answers.redirect(send, page.path, 301)
        aside, stale_aside = await self._side()
        reads = number(page.baseline + self._totals.of(article_id))
        body = "".join(
            [reads if p == READS_MARK else aside if p == ASIDE_MARK else p for p in page.parts]
        ).encode()
        return await self._answers.page(
            scope,
            send,
            body,
            tag=tag_of_page(page, reads, aside),
            kind="article",
            section=self._metrics.section(page.section),
            stale=stale or stale_aside,
        )

    def _require_totals(self) -> None:
        # Without this pages would show, and caches keep, counts that are too low.
        if not self._totals.loaded:
            raise NoAnswer("the read counts are not loaded yet")

    async def _side(self) -> tuple[str, bool]:
        return await self._asides.get("aside", self._make_aside)

    async def _make_aside(self) -> str:
        latest = [self._item(page) for page in await self._store.latest(None, 0, LATEST)]
        totals = self._totals
        return self._renderer.aside(latest, totals.site + totals.baseline, totals.online())

    async def _listing(self, section: str | None, scope: Scope, send: Send) -> Outcome:
        given = query_values(scope, "page") or ["1"]
        number_text = given[0] if len(given) == 1 else ""  # `?page=1&page=2` is not found
        page = int(number_text) if re.fullmatch(r"[1-9][0-9]{0,2}", number_text) else 0
        if not 1 <= page <= MAX_PAGE:
            return await self._answers.fail(send, NOT_FOUND)
        self._require_totals()
        aside, _ = await self._side()
        body, stale = await self._lists.get(
            (section, page), lambda: self._make_list(section, page, aside)
        )
        if not body:
            return await self._answers.fail(send, NOT_FOUND)
        shown = "" if section is None else self._metrics.section(section)
        return await self._answers.page(
            scope, send, body, tag=tag_of(body), kind="list", section=shown, stale=stale
        )

    async def _make_list(self, section: str | None, page: int, aside: str) -> bytes:
        """A list as HTML; empty if there is no such list."""
        found = await self._store.latest(section, (page - 1) * PER_PAGE, PER_PAGE + 1)
        named = section is None or any(section == s.slug for s in self._renderer.site.sections)
        if not found and (page > 1 or not named):
            return b""
        items, more = [self._item(p) for p in found[:PER_PAGE]], len(found) > PER_PAGE
        return self._renderer.listing(section, page, items, more, aside).encode()

    def _item(self, page: Page) -> dict[str, Any]:
        published = page.published_at
        assert published is not None  # noqa: S101  (only tombstones lack it)
        return {
            **page.summary,
            "image": self._renderer.shown_image(page.summary["image"]),
            "url": page.path,
            "published": published,
            "published_text": self._renderer.moment(published),
            "reads": number(page.baseline + self._totals.of(page.id)),
            "section": self._renderer.site.section(page.section),
        }

    async def _static(self, name: str, scope: Scope, send: Send) -> Outcome:
        content = self._renderer.static.get(name)
        if content is None:
            return await self._answers.fail(send, NOT_FOUND)
        version = self._renderer.static_version(name)
        wanted = query_value(scope, "v")
        kind = _TYPES.get(name.rpartition(".")[2], "application/octet-stream").encode()
        return await self._answers.file(
            scope,
            send,
            content,
            content_type=kind,
            tag=f'"{version}"'.encode(),
            caching=FOREVER if wanted == version else SHORT,
            kind="static",
        )

    async def _media(self, name: str, scope: Scope, send: Send) -> Outcome:
        picture = await self._queries.wait(self._queries.start(lambda: self._store.picture(name)))
        if picture is None:
            return await self._answers.fail(send, NOT_FOUND)
        kind, content = picture
        return await self._answers.file(
            scope,
            send,
            content,
            content_type=kind.encode(),
            tag=f'"{name}"'.encode(),
            caching=FOREVER,
            kind="media",
        )
