"""Articles put by clients that send the next as soon as the last is answered.

`python -m tests.bench.putting PORT TOKEN SECONDS CONNECTIONS FIRST`: articles `p<FIRST>` and on,
each with a body of 5 KB. Connections are kept alive.

`python -m tests.bench.putting --bare MONGO_URL SECONDS THREADS` writes what such a request writes
by plain PyMongo: a transaction for each article, which finds it, and inserts it and an outbox
entry.

Prints JSON: the number of answers, those that are not 201, and milliseconds at the percentiles.
"""

import asyncio
import json
import secrets
import sys
import threading
import time
from collections import Counter
from typing import Any, cast

import pymongo
import uvloop
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from tests.bench.figures import at

SENTENCE = (
    "Sáng nay, đại diện các sở, ngành và người dân hai bên sông dự lễ thông xe cây cầu dài 480 m "
    "sau hai năm xây dựng. "
)
BODY = (
    f"<p>{SENTENCE * 2}</p>"
    * 8
    + '<figure><img src="/media/0123456789abcdef0123456789abcdef.webp" alt="Cầu nhìn từ bờ nam">'
    "<figcaption>Cầu Vĩnh Ngàn sáng nay</figcaption></figure>"
    + f'<p>{SENTENCE}Xem thêm <a href="/thoi-su/cau-cu-x1.html">cây cầu cũ</a>. {SENTENCE}</p>' * 2
    + f"<h2>Người dân nói gì</h2><p><strong>Ông Nam:</strong> {SENTENCE * 2}</p>" * 2
)
"""As long as the news that a province's portal publishes: 5 KB."""


def article(number: int) -> dict[str, Any]:
    """An article as an editor sends it."""
    return {
        "title": f"Thông xe cầu Vĩnh Ngàn số {number}",
        "section": "thoi-su",
        "lead": "Cầu dài 480 m, nối hai bờ sông sau hai năm xây dựng.",
        "body_html": BODY,
        "tags": ["cầu", "giao thông", f"thẻ {number % 50}"],
        "byline": "Thu Hà",
    }


class Putting(asyncio.Protocol):
    """One article at a time."""

    def __init__(self, load: "Puts") -> None:
        self._load, self._answer, self._sent = load, b"", 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.put()

    def put(self) -> None:
        """Send the next article."""
        self._sent = time.perf_counter()
        self._transport.write(self._load.request())

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, found, body = self._answer.partition(b"\r\n\r\n")
        if not found:
            return
        length = head.lower().partition(b"\r\ncontent-length: ")[2].partition(b"\r\n")[0]
        if len(body) < int(length):
            return
        self._load.answered(int(self._answer[9:12]), (time.perf_counter() - self._sent) * 1000)
        self._answer = b""
        if self._load.going:
            self.put()
        else:
            self._load.ended()


class Puts:
    """The load, and its answers."""

    def __init__(self, token: str, connections: int, first: int) -> None:
        self._token, self._left, self._next = token, connections, first
        self.took, self.statuses = list[float](), Counter[int]()
        self.going, self.done = True, asyncio.Event()

    def request(self) -> bytes:
        """The next article's request."""
        number, self._next = self._next, self._next + 1
        body = json.dumps(article(number), ensure_ascii=False).encode()
        head = (
            f"PUT /articles/p{number} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {self._token}"
            f"\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    def answered(self, status: int, milliseconds: float) -> None:
        """Note an answer."""
        self.took.append(milliseconds)
        self.statuses[status] += 1

    def ended(self) -> None:
        """A connection has its last answer."""
        self._left -= 1
        if not self._left:
            self.done.set()


def figures(took: list[float], others: dict[int, int]) -> dict[str, Any]:
    """What is printed."""
    took.sort()
    return {
        "number": len(took),
        "others": others,
        **{f"p{q * 100:g}": at(took, q) for q in (0.5, 0.99) if took},
    }


async def put(port: int, token: str, seconds: float, connections: int, first: int) -> None:
    """Put articles for `seconds`."""
    load, loop = Puts(token, connections, first), asyncio.get_running_loop()
    for _ in range(connections):
        await loop.create_connection(lambda: Putting(load), "127.0.0.1", port)
    await asyncio.sleep(seconds)
    load.going = False
    await asyncio.wait_for(load.done.wait(), 30)
    others = {status: many for status, many in load.statuses.items() if status != 201}
    print(json.dumps(figures(load.took, others)))


def bare(url: str, seconds: float, threads: int) -> None:
    """Commit articles for `seconds`."""
    client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(url, w="majority")
    db, took, end = client.get_default_database(), list[float](), time.perf_counter() + seconds
    run = secrets.token_hex(4)

    def work(thread: int) -> None:
        n = 0
        while (began := time.perf_counter()) < end:
            name, n = f"{run}-{thread}-{n}", n + 1
            document = {"_id": name, "revision": 1, "state": "withdrawn", **article(n)}
            entry = {"_id": name, "article": name, "revision": 1, "body": BODY.encode()}
            with client.start_session() as session:
                session.start_transaction(ReadConcern("snapshot"), WriteConcern("majority"))
                db.bare.find_one({"_id": name}, session=session)
                db.bare.insert_one(document, session=session)
                db.bare_outbox.insert_one(entry, session=session)
                session.commit_transaction()
            took.append((time.perf_counter() - began) * 1000)

    running = [threading.Thread(target=work, args=(n,)) for n in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    client.close()
    print(json.dumps(figures(took, {})))


if __name__ == "__main__":
    if sys.argv[1] == "--bare":
        bare(sys.argv[2], float(sys.argv[3]), int(sys.argv[4]))
    else:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(
                put(
                    int(sys.argv[1]), sys.argv[2], float(sys.argv[3]), int(sys.argv[4]),
                    int(sys.argv[5]),
                )
            )  # fmt: skip
