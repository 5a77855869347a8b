"""Remembered answers past ASGI: which are, and that both ways answer the same. No socket: bytes in,
bytes out.
"""

import re

import pytest

from luotdoc_subscriber.base.metrics import new_registry
from shared.base.metrics import Requests
from shared.web.asgi import Receive, Scope, Send, respond
from shared.web.cors import readable_by
from shared.web.fast_answers import FastAnswers
from shared.web.headers import OPEN
from shared.web.observed import observed
from shared.web.remembered import Remembered
from shared.web.revalidated import revalidated
from tests.support.connection import Application, Connection

LONG = b"0123456789" * 200
ORIGINS = ("https://a.example",)


class Figures(Application):
    """An API with a memory behind the HTTP protocol, which notes what goes through ASGI."""

    def __init__(self, *origins: str, more: tuple[tuple[bytes, bytes], ...] = ()) -> None:
        super().__init__()
        self.registry, self.slow = new_registry(), list[str]()
        self._more = more
        requests, memory = Requests(self.registry), Remembered(1.0, lambda path: path != "/never")
        made = memory.around(revalidated(self._answer, lambda _: b"public, max-age=1"))
        self._served = readable_by(observed(made, requests, OPEN), origins)
        self.fast_get = FastAnswers(memory, requests, OPEN, origins).take

    async def _answer(self, scope: Scope, _receive: Receive, send: Send) -> None:
        status = 404 if scope["path"] == "/none" else 200
        headers = [(b"content-type", b"text/plain"), (b"vary", b"Accept"), *self._more]
        await respond(send, status, LONG + scope["query_string"], headers, policy=[])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.slow.append(scope["path"])
        await self._served(scope, receive, send)

    def answered(self, method: str, status: int) -> float:
        found = {"method": method, "status": str(status)}
        return self.registry.get_sample_value("luotdoc_http_requests_total", found) or 0.0

    def timed(self) -> float:
        return self.registry.get_sample_value("luotdoc_http_seconds_count") or 0.0


async def ask(one: Connection, target: str = "/a", *headers: str, method: str = "GET") -> bytes:
    lines = "".join(f"{each}\r\n" for each in ("Host: x", *headers))
    return await one.send(f"{method} {target} HTTP/1.1\r\n{lines}\r\n".encode())


def without_id(answered: bytes) -> bytes:
    """The answer, in which a correlation id is `-`."""
    plain, found = re.subn(rb"(\r\nx-correlation-id: )[0-9a-f]{16}(?=\r\n)", rb"\1-", answered)
    assert found == 1
    return plain


@pytest.mark.parametrize("origins", [(), ORIGINS, ("*",)])
@pytest.mark.parametrize("more", [(), ((b"access-control-allow-origin", b"*"),)])
@pytest.mark.parametrize("target", ["/a", "/a?", "/a?b=%20c&d", "/a-b?x=/"])
@pytest.mark.parametrize("coding", ["identity", "gzip, br", "gzip;q=0"])
async def test_a_remembered_answer_has_the_same_bytes_past_asgi(
    origins: tuple[str, ...], more: tuple[tuple[bytes, bytes], ...], target: str, coding: str
) -> None:
    app = Figures(*origins, more=more)
    one = Connection(app)
    first = await ask(one, target, f"Accept-Encoding: {coding}", "Accept: text/plain")
    again = await ask(one, target, f"Accept-Encoding: {coding}", "Accept: text/plain")
    assert app.slow == [target.partition("?")[0]]
    assert first != again  # each has a correlation id of its own
    assert without_id(first) == without_id(again)
    assert (b"content-encoding: gzip" in again) == (coding == "gzip, br")
    assert app.answered("GET", 200) == app.timed() == 2


@pytest.mark.parametrize(
    ("status", "method", "target", "header"),
    [
        (304, "GET", "/a", "If-None-Match: *"),
        (200, "GET", "/a", "Origin: https://a.example"),
        (200, "GET", "/a", "X-Correlation-Id: mine"),
        (200, "GET", "/a", "Accept: text/csv"),
        (200, "GET", "/a", "Accept-Encoding: gzip"),
        (200, "GET", "/a", "Connection: close"),
        (200, "GET", "/%61", "Accept: */*"),
        (200, "GET", "/a?b", "Accept: */*"),
        (200, "GET", "/never", "Accept: */*"),
        (404, "GET", "/none", "Accept: */*"),
        (200, "HEAD", "/a", "Accept: */*"),
    ],
)
async def test_what_is_unusual_goes_through_asgi(
    status: int, method: str, target: str, header: str
) -> None:
    app = Figures(*ORIGINS)
    one = Connection(app)
    for path in ("/a", "/never", "/none"):
        await ask(one, path)
    app.slow.clear()
    answered = await ask(one, target, header, method=method)
    assert answered.startswith(b"HTTP/1.1 %d " % status)
    assert len(app.slow) == 1
    granted = b"access-control-allow-origin: https://a.example" in answered
    assert granted == header.startswith("Origin")


async def test_answers_go_through_asgi_during_a_drain() -> None:
    app = Figures()
    one = Connection(app)
    app.leaving = True
    for _ in range(2):
        assert b"HTTP/1.1 200" in await ask(one)
    assert app.slow == ["/a", "/a"]
