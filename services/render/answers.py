"""Sends the answers of the page server: HTML, files, redirects and error pages."""

from collections.abc import Sequence

from services.render.metrics import RenderMetrics
from services.render.pages import Renderer
from shared.web import headers as security
from shared.web.asgi import Scope, Send, header, respond
from shared.web.headers import RawHeaders

FOREVER = b"public, max-age=31536000, immutable"
SHORT = b"public, max-age=5"
HTML = b"text/html; charset=utf-8"
_STALE = ((b"warning", b'110 - "Response is Stale"'),)

Outcome = tuple[str, str, int]
"""Kind, section and status of an answer, for its metrics."""

NOT_FOUND = (404, "Không tìm thấy trang", "Trang này không có, hoặc chưa được đăng.")
GONE = (410, "Bài viết đã được gỡ", "Bài viết này không còn trên trang.")
UNAVAILABLE = (503, "Tạm thời không xem được", "Máy chủ đang bận, mời bạn thử lại sau ít phút.")


class Answers:
    """Sends answers. Returns the `Outcome` of each."""

    def __init__(self, renderer: Renderer, metrics: RenderMetrics) -> None:
        self._metrics = metrics
        self._errors = {
            what[0]: renderer.error(*what).encode() for what in (NOT_FOUND, GONE, UNAVAILABLE)
        }
        self._page_policy = security.page_policy(renderer.content_security_policy)

    async def page(
        self,
        scope: Scope,
        send: Send,
        body: bytes,
        *,
        tag: bytes,
        kind: str,
        section: str,
        stale: bool,
    ) -> Outcome:
        """An article's page or a list. A stale one gets the header `Warning: 110`."""
        if stale:
            self._metrics.stale.inc()
        status = await self._content(
            scope, send, body, (HTML, tag, SHORT), self._page_policy, _STALE if stale else ()
        )
        return kind, section, status

    async def file(
        self,
        scope: Scope,
        send: Send,
        content: bytes,
        *,
        content_type: bytes,
        tag: bytes,
        caching: bytes,
        kind: str,
    ) -> Outcome:
        """A static file or a picture."""
        what = content_type, tag, caching
        return kind, "", await self._content(scope, send, content, what, security.OPEN)

    async def _content(
        self,
        scope: Scope,
        send: Send,
        body: bytes,
        what: tuple[bytes, bytes, bytes],
        policy: RawHeaders,
        more: Sequence[tuple[bytes, bytes]] = (),
    ) -> int:
        """Send `body` with the type, entity tag and caching in `what`, or 304 if the client has it.
        Returns the status.
        """
        content_type, tag, caching = what
        headers = [(b"etag", tag), (b"cache-control", caching), *more]
        held = header(scope, b"if-none-match")
        if held is not None and tag in [
            part.strip().removeprefix(b"W/") for part in held.split(b",")
        ]:
            await respond(send, 304, b"", headers, policy)
            return 304
        await respond(send, 200, body, [*headers, (b"content-type", content_type)], policy)
        return 200

    async def redirect(self, send: Send, to: str, status: int) -> Outcome:
        """A redirect to the path `to`."""
        await respond(send, status, b"", [(b"location", to.encode()), (b"cache-control", SHORT)])
        return "redirect", "", status

    async def fail(
        self, send: Send, what: tuple[int, str, str], extra: RawHeaders | None = None
    ) -> Outcome:
        """An error page: `NOT_FOUND`, `GONE` or `UNAVAILABLE`."""
        headers = [(b"content-type", HTML), (b"cache-control", b"no-store"), *(extra or [])]
        await respond(send, what[0], self._errors[what[0]], headers, self._page_policy)
        return "error", "", what[0]
