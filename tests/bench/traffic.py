"""The reads that both load generators send; `reads.lua` says the same for wrk."""

from functools import cache

REFERRER = "https%3A%2F%2Fwww.google.com"
"""Where each reader came from, as the page's script encodes it."""
AGENTS, ARTICLES = 2_000, 2_000
"""Browsers and articles: 4 million reads until a visitor reads an article again."""

SPREAD = AGENTS + 1
"""Between the numbers of two reads by another browser of another article."""


def article(number: int) -> str:
    """The id of an article."""
    return f"a{number:05d}"


def request(number: int) -> bytes:
    """Read number `number` as an HTTP request: another browser each time, the next article after
    each round.
    """
    return _head(number % AGENTS) + _body(number // AGENTS % ARTICLES)


@cache
def _head(agent: int) -> bytes:
    browser = (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
        f"Chrome/{100 + agent % 40}.0.{5000 + agent // 40}.{agent} Safari/537.36"
    )
    return (
        f"POST /reads?referrer={REFERRER} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"X-Forwarded-For: 198.18.{agent // 250}.{1 + agent % 250}\r\nUser-Agent: "
        f"{browser}\r\nAccept: */*\r\n"
        "Origin: https://portal.example\r\nSec-Fetch-Site: same-origin\r\n"
        "Content-Type: text/plain;charset=UTF-8\r\nContent-Length: 20\r\n\r\n"
    ).encode()


@cache
def _body(number: int) -> bytes:
    return f'{{"article":"{article(number)}"}}'.encode()
