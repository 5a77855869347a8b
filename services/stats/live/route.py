"""`GET /stats/live`: the live figures as Server-Sent Events. Raw ASGI, because thousands listen."""

import re
import secrets
from urllib.parse import parse_qsl

from luotdoc_events.events import ARTICLE_ID
from services.stats.live.frames import LiveFigures
from services.stats.live.hub import Hub
from services.stats.live.listener import Listener
from shared.base.errors import Problem
from shared.web.addresses import Addresses
from shared.web.asgi import (
    MAX_PATH,
    App,
    Receive,
    Scope,
    Send,
    asked_by_head,
    header,
)
from shared.web.headers import RawHeaders
from shared.web.uvicorn_protocol import EndlessAnswer, endless_answer, has_left

LIVE_PATH = "/stats/live"
EVENTS_TYPE = b"text/event-stream; charset=utf-8"
MOST_ARTICLES = 10
RETRY_MILLISECONDS, RETRY_SPREAD = 2000, 4000
"""The least time after which a client comes back, and by how much it may be longer: thousands that
are ended together come back one after the other."""
KEPT_BYTES = 16 << 10
"""What the system keeps for a slow client, instead of megabytes; a frame is a tenth of it."""
_HEAD: RawHeaders = [
    (b"content-type", EVENTS_TYPE),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # nginx would collect frames
]
_ARTICLE = re.compile(ARTICLE_ID.replace("$", r"\Z"))


def listened_articles(scope: Scope) -> tuple[str, ...]:
    """The articles that a request names. Raises `Problem` 422."""
    found: tuple[str, ...] = ()
    query = scope["query_string"].decode("latin-1")
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name != "article":
            raise Problem.invalid(name[:MAX_PATH], "is not known")
        found = tuple(sorted(set(value.split(","))))
        if len(found) > MOST_ARTICLES:
            raise Problem.invalid(name, f"may name at most {MOST_ARTICLES} articles")
        if not all(map(_ARTICLE.match, found)):
            raise Problem.invalid(name, f"must be articles' ids, {ARTICLE_ID}, joined by commas")
    return found


def live(hub: Hub, addresses: Addresses) -> App:
    """The app that answers `GET /stats/live`. `addresses` finds those of clients."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "GET":
            raise Problem(405, "only GET and HEAD", headers=[("allow", "GET, HEAD")])
        articles = listened_articles(scope)
        if asked_by_head(scope):
            await send({"type": "http.response.start", "status": 200, "headers": list(_HEAD)})
            await send({"type": "http.response.body", "body": b""})
            return
        stream = endless_answer(receive)
        if stream is None:
            raise RuntimeError("live figures need our own server")
        peer = scope["client"][0] if scope.get("client") else ""
        address = addresses.reader(peer, scope["headers"])
        hub.admit(address)
        listener = None
        try:
            if not stream.hold():
                raise hub.refuse_full()
            listener = _listener(hub.figures, stream, articles, scope)
            await _begin(stream, send)
            hub.join(listener)
            while not listener.ended and not has_left(receive):
                await receive()
            if not has_left(receive):
                await send({"type": "http.response.body", "body": b""})
        finally:
            hub.leave(listener, address)

    return answer


def _listener(
    figures: LiveFigures, stream: EndlessAnswer, articles: tuple[str, ...], scope: Scope
) -> Listener:
    seen = figures.version_of(header(scope, b"last-event-id"))
    return Listener(stream, articles, seen)


async def _begin(stream: EndlessAnswer, send: Send) -> None:
    stream.keep_small(KEPT_BYTES)
    stream.close_after()
    await send({"type": "http.response.start", "status": 200, "headers": list(_HEAD)})
    retry = b"retry: %d\n\n" % (RETRY_MILLISECONDS + secrets.randbelow(RETRY_SPREAD))
    await send({"type": "http.response.body", "body": retry, "more_body": True})
