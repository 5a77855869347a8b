"""The page server. Raw ASGI, because pages are one of the two hot paths."""

import re
import time
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any

from services.render.cache import PageCache
from services.render.database import NoAnswer, Questions
from services.render.fragments import Fragments
from services.render.metrics import RenderMetrics
from services.render.pages import ASIDE, READS, Renderer, number
from services.render.store import Page, PageStore
from services.render.totals import Totals
from shared.base.errors import Transient
from shared.web import headers as security
from shared.web.asgi import (
    RawHeaders,
    Receive,
    Scope,
    Send,
    header,
    query_value,
    query_values,
    respond,
)

PER_PAGE = 20
LATEST = 6
MAX_PAGE = 100

_ARTICLE = re.compile(r"/([a-z0-9-]{1,100})/(?:([a-z0-9-]{0,100})-)?([a-z0-9]{1,32})\.html")
_SECTION = re.compile(r"/([a-z0-9-]{1,100})/")
_MEDIA = re.compile(r"/media/([0-9a-f]{32}\.[a-z]{3,4})")
_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_FOREVER = b"public, max-age=31536000, immutable"
_SHORT = b"public, max-age=5"
_HTML = b"text/html; charset=utf-8"
_STALE = ((b"warning", b'110 - "Response is Stale"'),)

Outcome = tuple[str, str, int]
"""Kind, section and status of an answer, for its metrics."""

NOT_FOUND = (404, "Không tìm thấy trang", "Trang này không có, hoặc chưa được đăng.")
GONE = (410, "Bài viết đã được gỡ", "Bài viết này không còn trên trang.")
UNAVAILABLE = (503, "Tạm thời không xem được", "Máy chủ đang bận, mời bạn thử lại sau ít phút.")


class PageServer:
    """Answers every path of the site. `seconds` is a monotonic clock."""

    def __init__(
        self,
        renderer: Renderer,
        store: PageStore,
        questions: Questions,
        cache_pages: int,
        totals: Totals,
        seconds: Callable[[], float],
        stale_seconds: float,
        metrics: RenderMetrics,
    ) -> None:
        self._renderer, self._store, self._totals, self._metrics = renderer, store, totals, metrics
        self._questions = questions
        self._lists: Fragments[bytes] = Fragments(questions, seconds, stale_seconds)
        self._asides: Fragments[str] = Fragments(questions, seconds, stale_seconds)
        self.cache = PageCache(
            store, questions, cache_pages, self._pages_changed, seconds, stale_seconds, metrics
        )
        self._errors = {
            what[0]: renderer.error(*what).encode() for what in (NOT_FOUND, GONE, UNAVAILABLE)
        }
        self._page_policy = security.page(renderer.content_security_policy)

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer one request."""
        started = time.perf_counter()
        try:
            kind, section, status = await self._answer(scope["path"], scope, send)
        except Transient:
            kind, section, status = await self._fail(send, UNAVAILABLE, [(b"retry-after", b"5")])
        except Exception:
            self._metrics.answered("error", "", 500, time.perf_counter() - started)
            raise
        self._metrics.answered(kind, section, status, time.perf_counter() - started)

    async def _answer(self, path: str, scope: Scope, send: Send) -> Outcome:
        if scope["method"] not in ("GET", "HEAD"):
            await respond(send, 405, b"", [(b"allow", b"GET, HEAD")])
            return "error", "", 405
        if match := _ARTICLE.fullmatch(path):
            return await self._article(match[3], path, scope, send)
        if path == "/":
            return await self._listing(None, scope, send)
        if path.startswith("/static/"):
            return await self._static(path.removeprefix("/static/"), scope, send)
        if match := _MEDIA.fullmatch(path):
            return await self._media(match[1], scope, send)
        if match := _SECTION.fullmatch(path):
            return await self._listing(match[1], scope, send)
        if path == "/favicon.ico":
            return await self._redirect(send, self._renderer.static_url("favicon.svg"), 302)
        if _SECTION.fullmatch(f"{path}/"):
            return await self._redirect(send, f"{path}/", 301)
        return await self._fail(send, NOT_FOUND)

    async def _article(self, article_id: str, path: str, scope: Scope, send: Send) -> Outcome:
        self._need_totals()
        page, stale = await self.cache.get(article_id)
        if page is None or page.state == "rescheduled":
            return await self._fail(send, NOT_FOUND)
        if page.state == "withdrawn":
            return await self._fail(send, GONE)
        if page.path != path:
            return await self._redirect(send, page.path, 301)
        aside, stale_aside = await self._side()
        reads = number(page.baseline + self._totals.of(article_id))
        body = "".join(
            [reads if p == READS else aside if p == ASIDE else p for p in page.parts]
        ).encode()
        section, old = self._metrics.section(page.section), stale or stale_aside
        return await self._html(
            body, _tag(page, reads, aside), scope, send, "article", section, old
        )

    def _need_totals(self) -> None:
        if not self._totals.loaded:  # else a page shows, and caches keep, counts that are too low
            raise NoAnswer("the read counts are not loaded yet")

    async def _side(self) -> tuple[str, bool]:
        return await self._asides.get("aside", self._make_aside)

    async def _make_aside(self) -> str:
        latest = [self._item(page) for page in await self._store.latest(None, 0, LATEST)]
        return self._renderer.aside(latest, self._totals.site + self._totals.baseline)

    async def _listing(self, section: str | None, scope: Scope, send: Send) -> Outcome:
        given = query_values(scope, "page") or ["1"]
        number_text = given[0] if len(given) == 1 else ""  # no page has two numbers
        page = int(number_text) if re.fullmatch(r"[1-9][0-9]{0,2}", number_text) else 0
        if not 1 <= page <= MAX_PAGE:
            return await self._fail(send, NOT_FOUND)
        self._need_totals()
        aside, _ = await self._side()
        body, stale = await self._lists.get(
            (section, page), lambda: self._make_list(section, page, aside)
        )
        if not body:
            return await self._fail(send, NOT_FOUND)
        shown = "" if section is None else self._metrics.section(section)
        return await self._html(body, _hash(body), scope, send, "list", shown, stale)

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

    def _pages_changed(self) -> None:
        self._lists.expire()
        self._asides.expire()
        self._totals.baseline_changed = True

    async def _static(self, name: str, scope: Scope, send: Send) -> Outcome:
        content = self._renderer.static.get(name)
        if content is None:
            return await self._fail(send, NOT_FOUND)
        version = self._renderer.static_version(name)
        asked = query_value(scope, "v")
        kind = _TYPES.get(name.rpartition(".")[2], "application/octet-stream").encode()
        return await self._send(
            send,
            scope,
            content,
            kind,
            f'"{version}"'.encode(),
            _FOREVER if asked == version else _SHORT,
            "static",
        )

    async def _media(self, name: str, scope: Scope, send: Send) -> Outcome:
        picture = await self._questions.wait(
            self._questions.start(lambda: self._store.picture(name))
        )
        if picture is None:
            return await self._fail(send, NOT_FOUND)
        kind, content = picture
        return await self._send(
            send, scope, content, kind.encode(), f'"{name}"'.encode(), _FOREVER, "media"
        )

    async def _html(
        self,
        body: bytes,
        tag: bytes,
        scope: Scope,
        send: Send,
        kind: str,
        section: str,
        stale: bool,
    ) -> Outcome:
        if stale:
            self._metrics.stale.inc()
        return await self._send(
            send, scope, body, _HTML, tag, _SHORT, kind, section, _STALE if stale else ()
        )

    async def _send(
        self,
        send: Send,
        scope: Scope,
        body: bytes,
        content_type: bytes,
        tag: bytes,
        caching: bytes,
        kind: str,
        section: str = "",
        more: Sequence[tuple[bytes, bytes]] = (),
    ) -> Outcome:
        headers = [(b"etag", tag), (b"cache-control", caching), *more]
        policy = self._page_policy if content_type is _HTML else security.OPEN
        held = header(scope, b"if-none-match")
        if held is not None and tag in [
            part.strip().removeprefix(b"W/") for part in held.split(b",")
        ]:
            await respond(send, 304, b"", headers, policy)
            return kind, section, 304
        await respond(send, 200, body, [*headers, (b"content-type", content_type)], policy)
        return kind, section, 200

    async def _redirect(self, send: Send, to: str, status: int) -> Outcome:
        await respond(send, status, b"", [(b"location", to.encode()), (b"cache-control", _SHORT)])
        return "redirect", "", status

    async def _fail(
        self, send: Send, what: tuple[int, str, str], extra: RawHeaders | None = None
    ) -> Outcome:
        headers = [(b"content-type", _HTML), (b"cache-control", b"no-store"), *(extra or [])]
        await respond(send, what[0], self._errors[what[0]], headers, self._page_policy)
        return "error", "", what[0]


def _tag(page: Page, reads: str, aside: str) -> bytes:
    return _hash(f"{page.revision} {page.template} {reads} {aside}".encode())


def _hash(content: bytes) -> bytes:
    return f'"{blake2b(content, digest_size=9).hexdigest()}"'.encode()
