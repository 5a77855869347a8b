"""Answers of the page server as values, and how they are sent."""

import gzip
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from urllib.parse import quote

from services.render.metrics import RenderMetrics
from services.render.serving.codings import (
    GZIP,
    IDENTITY,
    best_coding,
    is_compressed,
    tag_in,
)
from services.render.serving.prepared import DEFLATE_LEVEL, PageBytes
from shared.web import headers as security
from shared.web.asgi import Scope, Send, header, respond
from shared.web.headers import RawHeaders, header_lines
from shared.web.revalidated import holds

FOREVER = b"public, max-age=31536000, immutable"
SHORT = b"public, max-age=5, stale-while-revalidate=10"
"""A withdrawn article may be shown for 15 s by what is between render and its readers."""
NO_STORE = b"no-store"
HTML = b"text/html; charset=utf-8"
LEAST_COMPRESSED = 512
"""Bytes below which a body is sent as it is."""
KEPT = 64
"""Number of compressed bodies that are kept, such as those of feeds."""
_IN_PATH = "/-._~:@!$&'()*+,;="
_IN_QUERY = _IN_PATH + "%?"
"""Characters of paths and queries that stand for themselves (RFC 3986)."""
_STALE = (b"warning", b'110 - "Response is Stale"')
_VARY = (b"vary", b"Accept-Encoding")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer to a GET request, as a kind of page makes it."""

    kind: str
    """The label of metrics."""
    section: str = ""
    """The label of metrics, as `RenderMetrics.section` makes it."""
    status: int = 200
    body: bytes = b""
    pieces: PageBytes | None = None
    """The body, if its bytes are ready."""
    coded: Mapping[bytes, bytes] | None = None
    """The body by coding, the best one first, if that is ready."""
    content_type: bytes = HTML
    tag: bytes | None = None
    """The entity tag of the body without a coding; a client that has it gets 304."""
    caching: bytes = SHORT
    policy: RawHeaders | None = None
    """Security headers; None: those of a page."""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    stale: bool = False
    """True: from memory, while MongoDB gives no answer. It gets the header `Warning: 110`."""
    heads: dict[bytes, bytes] = field(default_factory=dict, compare=False, repr=False)
    """Its header lines by coding, once it was sent by the fast path."""

    @property
    def plain(self) -> bytes:
        """The body without a coding."""
        return self.body if self.pieces is None else self.pieces.plain


def redirect(to: str, status: int, query: str = "") -> Answer:
    """A redirect to the path `to`, decoded, with the query: `?…` as it was sent, or empty. What an
    address may not hold is percent-encoded.
    """
    location = quote(to, safe=_IN_PATH) + quote(query.encode("latin-1"), safe=_IN_QUERY)
    return Answer(
        kind="redirect",
        status=status,
        headers=((b"location", location.encode()),),
        policy=security.STRICT,
    )


class Answers:
    """Sends answers. `page_policy`: the content security policy of pages."""

    def __init__(self, page_policy: str, metrics: RenderMetrics) -> None:
        self._metrics = metrics
        self._compressed: OrderedDict[bytes, bytes] = OrderedDict()
        self.use(page_policy)

    def use(self, page_policy: str) -> None:
        """Send pages with this policy from now on."""
        self._page_policy = security.page_policy(page_policy)

    async def send(self, scope: Scope, send: Send, answer: Answer) -> int:
        """Send `answer`, or 304 if the client has it. Returns the status."""
        coding, body = self._coded(answer, header(scope, b"accept-encoding"))
        headers = self._headers(answer, coding)
        policy = self._page_policy if answer.policy is None else answer.policy
        if answer.stale:
            self._metrics.stale.inc()
        if answer.status == 200 and answer.tag is not None:
            held = header(scope, b"if-none-match")
            if held is not None and holds(held, tag_in(coding, answer.tag)):
                await respond(send, 304, b"", headers, policy)
                return 304
        if body or answer.status == 200:
            headers.append((b"content-type", answer.content_type))
            if coding:
                headers.append((b"content-encoding", coding))
        await respond(send, answer.status, body, headers, policy)
        return answer.status

    def written(self, answer: Answer, accepted: bytes | None) -> tuple[bytes, bytes]:
        """The header lines of `answer` with status 200, and its body, for the fast path."""
        coding, body = self._coded(answer, accepted)
        head = answer.heads.get(coding)
        if head is None:
            headers = [*self._headers(answer, coding), (b"content-type", answer.content_type)]
            if coding:
                headers.append((b"content-encoding", coding))
            policy = self._page_policy if answer.policy is None else answer.policy
            length = (b"content-length", b"%d" % len(body))
            head = answer.heads[coding] = header_lines([*headers, *policy, length])
        return head, body

    def _headers(self, answer: Answer, coding: bytes) -> RawHeaders:
        headers = [(b"cache-control", answer.caching), *answer.headers]
        if answer.tag is not None:
            headers.append((b"etag", tag_in(coding, answer.tag)))
        if is_compressed(answer.content_type):
            headers.append(_VARY)
        if answer.stale:
            headers.append(_STALE)
        return headers

    def _coded(self, answer: Answer, accepted: bytes | None) -> tuple[bytes, bytes]:
        """The coding for a client, and the body in it."""
        if answer.pieces is not None:
            if best_coding(accepted, (GZIP,)):
                return GZIP, answer.pieces.gzip
            return IDENTITY, answer.pieces.plain
        if answer.coded is not None:
            coding = best_coding(accepted, tuple(answer.coded))
            return coding, answer.coded.get(coding, answer.body)
        if len(answer.body) < LEAST_COMPRESSED or not is_compressed(answer.content_type):
            return IDENTITY, answer.body
        coding = best_coding(accepted, (GZIP,))
        return coding, self._gzip(answer.body) if coding else answer.body

    def _gzip(self, body: bytes) -> bytes:
        name = blake2b(body, digest_size=12).digest()
        if name not in self._compressed:
            self._compressed[name] = gzip.compress(body, DEFLATE_LEVEL, mtime=0)
            if len(self._compressed) > KEPT:
                self._compressed.popitem(last=False)
        return self._compressed[name]
