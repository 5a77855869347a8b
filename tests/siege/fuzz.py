"""What strangers send: made from a seed, for a service by its name. Pure."""

import random
from collections.abc import Callable

BROWSER = b"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n"
READ = b'{"article": "fuzzed"}'

PLAIN: dict[str, list[bytes]] = {
    "ingest": [
        b"POST /reads HTTP/1.1\r\nHost: x\r\n" + BROWSER + b"Content-Length: 21\r\n\r\n" + READ,
        b"POST /reads?referrer=https%3A%2F%2Fwww.example.org HTTP/1.1\r\nHost: x\r\n"
        + BROWSER
        + b"Content-Length: 21\r\n\r\n"
        + READ,
        b"POST /reads HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n15;a=b\r\n"
        + READ
        + b"\r\n0\r\nt: v\r\n\r\n",
        b"GET /reads.gif?article=fuzzed HTTP/1.1\r\nHost: x\r\n" + BROWSER + b"\r\n",
        b"GET /articles?limit=2&section=thoi-su HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /articles/fuzzed HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer guess\r\n\r\n",
        b"PUT /articles/fuzzed HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
        b"guess\r\nContent-Length: 2\r\n\r\n{}",
        b"POST /reads/batch HTTP/1.1\r\nHost: x\r\nIdempotency-Key: "
        b"k\r\nContent-Length: 2\r\n\r\n{}",
        b"PUT /media/a.png HTTP/1.1\r\nHost: x\r\nExpect: "
        b"100-continue\r\nContent-Length: 8\r\n\r\n\x89PNG\r\n\x1a\n",
    ],
    "render": [
        b"GET / HTTP/1.1\r\nHost: x\r\n" + BROWSER + b"\r\n",
        b"GET /?page=2 HTTP/1.1\r\nHost: x\r\n\r\n",
        b'GET /thoi-su/bai-a1-a1.html HTTP/1.1\r\nHost: x\r\nIf-None-Match: "x"\r\n\r\n',
        b"GET /static/site.css?v=1 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET http://host/thoi-su/ HTTP/1.1\r\nHost: x\r\n\r\n",
        b"HEAD /media/0123456789abcdef0123456789abcdef.png HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
    "stats": [
        b"GET /stats/site HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /stats/top?window=24h&limit=10 HTTP/1.1\r\nHost: x\r\nAccept: text/csv\r\n\r\n",
        b"GET "
        b"/stats/series?step=hour&from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z "
        b"HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /stats/articles/a1 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /stats/reconciliation HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /stats/live HTTP/1.1\r\nHost: x\r\nLast-Event-ID: 1a2b3c4d-17\r\n\r\n",
        b"GET /stats/live?article=a1,fuzzed HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
    "counter": [
        b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /livez HTTP/1.0\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
}
"""Requests that a service answers; the fuzzer spoils them."""

HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n"
CHUNKED = b"POST /%b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
ENDLESS: list[tuple[bytes, bytes]] = [
    (HEAD, b"a: b\r\n"),
    (HEAD + b"a: ", b"b"),
    (HEAD, b"a"),
    (b"POST /reads HTTP/1.1\r\n", b"a: b\r\n"),
    (b"GET /", b"x"),
    (b"GET /?", b"a=1&"),
    (b"", b"\r\n"),
    *(
        (CHUNKED % path + start, again)
        for path in (b"reads", b"x")
        for start, again in (
            (b"0\r\n", b"a: b\r\n"),
            (b"0\r\na: ", b"b"),
            (b"1;", b"a=b;"),
            (b"", b"0"),
            (b"", b"1\r\nx\r\n"),
        )
    ),
    (b"", b"GET /livez HTTP/1.1\r\n\r\n"),
    (b"PUT /articles/x HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", b"x"),
]
"""How a request begins, and what follows again and again."""

MANY = b"many"
LARGE = {
    "ingest": b"/openapi.json",
    "render": b"/",
    "counter": b"/livez",
    "stats": b"/openapi.json",
}
SLOW: list[tuple[bytes, bytes]] = [
    (b"", b""),
    (b"GET /livez HTTP/1.1\r\n\r\n", b""),
    (HEAD, b"a: b\r\n"),
    (HEAD + b"a: ", b"b"),
    (b"", b"\r\n"),
    (b"POST /reads HTTP/1.1\r\nContent-Length: 21\r\n\r\n", b"{"),
    (b"POST /reads HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    (b"PUT /articles/x HTTP/1.1\r\nContent-Length: 3000000\r\n\r\n", b"x"),
    (b"GET /stats/live HTTP/1.1\r\nHost: x\r\n\r\n", b""),
    (b"GET /stats/live?article=a1 HTTP/1.1\r\nHost: x\r\n\r\n", b"x"),
    (MANY, b""),
]
"""What is sent at once, and what follows each second. `MANY` stands for many requests of the
`LARGE` answer, unread.
"""


MOST = 200_000
"""Bytes of a spoilt request."""


def spoil(rng: random.Random, request: bytes) -> bytes:
    """The request with one to three things wrong."""
    for _ in range(rng.randint(1, 3)):
        request = rng.choice(SPOILERS)(rng, request)[:MOST]
    return request


def _at(rng: random.Random, request: bytes) -> int:
    return rng.randrange(len(request) + 1)


def _flip(rng: random.Random, request: bytes) -> bytes:
    spoilt = bytearray(request)
    for _ in range(rng.randint(1, 8)):
        if spoilt:
            spoilt[rng.randrange(len(spoilt))] = rng.randrange(256)
    return bytes(spoilt)


def _insert(rng: random.Random, request: bytes) -> bytes:
    at = _at(rng, request)
    return request[:at] + rng.choice(BITS) * rng.choice((1, 1, 1, 2, 50, 2000)) + request[at:]


def _cut(rng: random.Random, request: bytes) -> bytes:
    start, end = sorted((_at(rng, request), _at(rng, request)))
    return request[:start] + request[end:]


def _stop(rng: random.Random, request: bytes) -> bytes:
    return request[: _at(rng, request)]


def _repeat(rng: random.Random, request: bytes) -> bytes:
    return request * rng.choice((2, 3, 20, 200))


def _header(rng: random.Random, request: bytes) -> bytes:
    line, end, rest = request.partition(b"\r\n")
    return line + end + rng.choice(HEADERS) + b"\r\n" + rest


def _target(rng: random.Random, request: bytes) -> bytes:
    method, _, rest = request.partition(b" ")
    _, _, version = rest.partition(b" HTTP/")
    return method + b" " + rng.choice(TARGETS) + b" HTTP/" + version


def _noise(rng: random.Random, _request: bytes) -> bytes:
    return rng.randbytes(rng.randint(1, 400))


SPOILERS: list[Callable[[random.Random, bytes], bytes]] = [
    _flip,
    _insert,
    _cut,
    _stop,
    _repeat,
    _header,
    _header,
    _target,
    _target,
    _noise,
]
BITS = [
    b"\0",
    b"\r",
    b"\n",
    b"\r\n",
    b" ",
    b"\t",
    b"%",
    b"%00",
    b"%zz",
    b"\xff\xfe",
    b";",
    b":",
    b"0",
    b"-1",
    b"a=b&",
    b"\r\n ",
    b"\r\n\r\n",
    "đọc".encode(),
    b"{",
    b'"',
    b"[" * 50,
]
HEADERS = [
    b"Content-Length: 5",
    b"Content-Length: -1",
    b"Content-Length: 5, 5",
    b"Content-Length: 1e3",
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: xchunked",
    b"Transfer-Encoding: chunked, identity",
    b"Transfer-Encoding : chunked",
    b"Transfer-Encoding:\tchunked",
    b"Connection: close",
    b"Connection: keep-alive",
    b"Connection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk",
    b"Connection: Upgrade\r\nUpgrade: websocket",
    b"Expect: 100-continue",
    b"Expect: nothing",
    b"X-Forwarded-For: 1.2.3.4, \xff",
    b"Authorization: Bearer \xff\xfe",
    b"Authorization: Basic eDp5",
    b"If-None-Match: *",
    b"If-Match: \xff",
    b"Accept: \xff",
    b"Range: bytes=0-1",
    b"Cookie: " + b"a=b; " * 500,
    b"Host: y",
    b"Host:",
    b" folded: x",
    b"a: b\r\n folded",
    b"X: \0",
    b"Idempotency-Key: \xff",
    b"Content-Type: application/json; charset=\xff",
    b"X-Correlation-Id: \x7f\xff",
    b"Accept-Encoding: gzip;q=x",
    *(b"x%d: y" % number for number in range(3)),
    b"\r\n".join(b"h%d: v" % number for number in range(150)),
]
TARGETS = [
    b"*",
    b"/",
    b"//",
    b"/..",
    b"/%",
    b"/%00",
    b"/%ff%fe",
    b"/%c3%28",
    b"/%2e%2e/%2e%2e/etc/passwd",
    b"http://x",
    b"http://",
    b"http://x:99999/",
    b"x:1",
    b"/\xc3\xa9",
    b"/a b",
    b"/?",
    b"/?%",
    b"/?a=%ff&a",
    b"/?page=%d9%a1",
    b"/?page=-1",
    b"/#x",
    b"/stats/series?step=year",
    b"/stats/top?limit=1e9",
    b"/stats/top?window=99999999d",
    b"/stats/site?x=" + b"&" * 2000,
    b"/stats/series?step=day&from=0001-01-01T00:00:00Z&to=9999-12-31T23:59:59Z",
    b"/stats/articles/%00",
    b"/articles/%F0%9F%98%80",
    b"/articles?after=9999999999999-a",
    b"/articles?limit=%00",
    b"/reads?referrer=%00",
    b"/reads?referrer=%zz&referrer",
    b"/reads?referrer=https://" + b"a" * 8000,
    b"/reads?" + b"referrer&" * 900,
    b"/reads.gif?article=%00",
    b"/reads.gif?article=" + b"a" * 8000,
    b"/x/" + b"y" * 9000,
    b"/thoi-su/%E1%BB%8D-a1.html",
    b"/media/%2e%2e",
    b"/static/%00",
    b"/state?after=%00",
    b"/events/%2e%2e/x",
    b"/schemas/%00.json",
    b"/docs",
    b"/openapi.json",
    b"/metrics",
]
