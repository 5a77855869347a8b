"""Answers that a client may keep: entity tags, 304, caching and gzip, in one place.

The tag is weak, because one answer has two forms: plain and compressed. What changes
although an answer says the same, such as the moment of its figures, can be left out of it.
"""

import gzip
import re
from collections import OrderedDict
from collections.abc import Callable, MutableMapping
from hashlib import blake2b
from typing import Any

from shared.web.asgi import App, Receive, Scope, Send, header
from shared.web.headers import RawHeaders

MIN_COMPRESSED = 1024
"""Bytes below which an answer is sent as it is: its headers are as large."""
LEVEL = 3
CONDITION = b"if-none-match"
KEPT = 64
"""Number of compressed answers that are kept: many clients get the same ones."""


class _Compressed:
    """The last compressed answers, by what they are made of."""

    def __init__(self) -> None:
        self._made: OrderedDict[bytes, bytes] = OrderedDict()

    def of(self, body: bytes) -> bytes:
        name = _digest(body)  # not the tag, which different answers may have
        if name not in self._made:
            self._made[name] = gzip.compress(body, LEVEL, mtime=0)
            while len(self._made) > KEPT:
                self._made.popitem(last=False)
        return self._made[name]


def revalidated(
    app: App, caching: Callable[[str], bytes], untagged: re.Pattern[bytes] | None = None
) -> App:
    """Give the answers of `app` to GET an `ETag`, the `Cache-Control` that `caching` says for the
    path, and gzip for clients that take it; answer 304 to a client that has the same answer.
    Answers in JSON that differ only in what `untagged` matches are the same.

    Concerns answers with status 200 that are sent in one piece; others pass unchanged. Headers that
    an answer already has stay.
    """
    compressed = _Compressed()

    async def wrapper(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "GET":
            await app(scope, receive, send)
            return
        begun: MutableMapping[str, Any] | None = None

        async def told(message: MutableMapping[str, Any]) -> None:
            nonlocal begun
            if message["type"] == "http.response.start" and message["status"] == 200:
                begun = message
                return
            if begun is not None:
                start, begun = begun, None
                if not message.get("more_body"):
                    body = message.get("body", b"")
                    kept = caching(scope["path"])
                    start, body = _finished(scope, start, body, kept, compressed, untagged)
                    message = {**message, "body": body}
                await send(start)
            await send(message)

        await app(scope, receive, told)

    return wrapper


def _finished(
    scope: Scope,
    start: MutableMapping[str, Any],
    body: bytes,
    caching: bytes,
    compressed: _Compressed,
    untagged: re.Pattern[bytes] | None,
) -> tuple[MutableMapping[str, Any], bytes]:
    """The answer with its headers: whole, compressed or as 304."""
    headers: RawHeaders = list(start.get("headers", ()))
    given = dict(headers)
    tagged = body
    if untagged and given.get(b"content-type", b"").startswith(b"application/json"):
        tagged = untagged.sub(b"", body)
    tag = given.get(b"etag") or b'W/"%s"' % _digest(tagged)
    kept: RawHeaders = [
        (b"etag", tag),
        (b"cache-control", given.get(b"cache-control") or caching),
        (b"vary", b"Accept-Encoding"),
    ]
    told = (b"etag", b"cache-control", b"content-length")
    rest = [(name, value) for name, value in headers if name not in told]
    status, known, nothing = unless_held(scope, [*rest, *kept], b"")
    if status == 304:
        return {**start, "status": status, "headers": known}, nothing
    if (
        len(body) >= MIN_COMPRESSED
        and b"content-encoding" not in given
        and takes_gzip(header(scope, b"accept-encoding"))
    ):
        body = compressed.of(body)
        rest.append((b"content-encoding", b"gzip"))
    length = (b"content-length", b"%d" % len(body))
    return {**start, "headers": [*rest, *kept, length]}, body


def unless_held(scope: Scope, headers: RawHeaders, body: bytes) -> tuple[int, RawHeaders, bytes]:
    """An answer as (status, headers, body): 304 without a body for a client that has the tag."""
    held = header(scope, CONDITION)
    if held is None or not holds(held, dict(headers).get(b"etag", b"")):
        return 200, headers, body
    return 304, [each for each in headers if not each[0].startswith(b"content-")], b""


def _digest(body: bytes) -> bytes:
    return blake2b(body, digest_size=12).hexdigest().encode()


def holds(held: bytes | None, tag: bytes) -> bool:
    """True if the value of an `If-None-Match` header names `tag`."""
    if held is None:
        return False
    tags = [each.strip().removeprefix(b"W/") for each in held.split(b",")]
    return tag.removeprefix(b"W/") in tags or tags == [b"*"]


def takes_gzip(accepted: bytes | None) -> bool:
    """True if an `Accept-Encoding` header names gzip, and not with the weight 0."""
    for part in (accepted or b"").lower().split(b","):
        name, _, weight = part.partition(b";")
        if name.strip() in (b"gzip", b"x-gzip"):
            return weight.replace(b" ", b"") not in (b"q=0", b"q=0.0", b"q=0.00", b"q=0.000")
    return False
