"""Visitors who read over HTTP until each of their reads is acknowledged, and the plain sets of who
has read what on which day.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

from tests.support.system import BROWSER, Process

AT_ONCE = 48
AGAIN_SECONDS = 0.2
ANSWER_SECONDS = 20.0
RELOADED = "filtered; reason=reload"

SeenScope = tuple[str, str]
"""(`site`, `section` or `article`, its name)."""


@dataclass
class Seen:
    """The visitors of each scope and day, as plain sets."""

    section_of: dict[str, str]
    visitors: dict[tuple[SeenScope, str], set[int]] = field(default_factory=dict)
    reads: int = 0
    private: int = 0

    def note(self, day: str, article: str, visitor: int) -> None:
        """Note an acknowledged read."""
        for scope in (("site", ""), ("section", self.section_of[article]), ("article", article)):
            self.visitors.setdefault((scope, day), set()).add(visitor)

    def number(self, scope: SeenScope, day: str) -> int:
        """How many different visitors there were."""
        return len(self.visitors.get((scope, day), ()))


def drawn(
    random: Random, visitors: Sequence[int], articles: Sequence[str]
) -> list[tuple[int, str]]:
    """(visitor, article) of each read, in any order: most visitors read one article, some several.
    The first article is read by many, the last by few.
    """
    weights = [1 / (place + 1) for place in range(len(articles))]
    found = [
        (visitor, article)
        for visitor in visitors
        for article in set(
            random.choices(articles, weights, k=random.choice((1, 1, 1, 1, 1, 2, 3)))
        )
    ]
    random.shuffle(found)
    return found


@dataclass
class Crowd:
    """Sends reads to whichever ingest lives, from as many addresses as there are visitors."""

    ingests: Callable[[], list[Process]]
    seen: Seen
    random: Random
    private_share: float = 0.02

    async def read(self, day: str, reads: Sequence[tuple[int, str]]) -> None:
        """Send each read until it is acknowledged."""
        left = iter(reads)
        await asyncio.gather(*(self._client(day, left) for _ in range(AT_ONCE)))

    async def _client(self, day: str, left: Iterator[tuple[int, str]]) -> None:
        link: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        for visitor, article in left:
            private, repeated = self.random.random() < self.private_share, False
            while True:
                try:
                    link = link or await self._connect()
                    async with asyncio.timeout(ANSWER_SECONDS):
                        status, outcome = await _send(link, visitor, article, private)
                except (OSError, EOFError):  # it was killed
                    if link:
                        link[1].close()
                    link, repeated = None, True
                    await asyncio.sleep(AGAIN_SECONDS)
                    continue
                if status == 204:
                    # Of a repeated read the first may have been durable: then this one is a reload.
                    assert outcome == "counted" or (repeated and outcome == RELOADED), outcome
                    break
                assert status == 503, status
                await asyncio.sleep(AGAIN_SECONDS)
            self.seen.reads += 1
            if private:
                self.seen.private += 1
            else:
                self.seen.note(day, article, visitor)
        if link:
            link[1].close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        port = int(self.random.choice(self.ingests()).url.rpartition(":")[2])
        return await asyncio.open_connection("127.0.0.1", port)


async def _send(
    link: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    visitor: int,
    article: str,
    private: bool,
) -> tuple[int, str]:
    """The status, and what `Luotdoc-Read` says."""
    reader, writer = link
    body = b'{"article":"%b"}' % article.encode()
    address = ".".join(str(visitor >> shift & 255) for shift in (16, 8, 0))
    writer.write(
        b"POST /reads?referrer= HTTP/1.1\r\nhost: x\r\nuser-agent: %b\r\n"
        b"x-forwarded-for: 10.%b\r\n%bcontent-length: %d\r\n\r\n%b"
        % (
            BROWSER.encode(),
            address.encode(),
            b"sec-gpc: 1\r\n" if private else b"",
            len(body),
            body,
        )
    )
    lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
    if length := int(headers.get("content-length", 0)):
        await reader.readexactly(length)
    return int(lines[0].split()[1]), headers.get("luotdoc-read", "")
