"""Answers that are made once for many clients."""

import asyncio
from typing import Any

from shared.web.asgi import App, Receive, Scope, Send
from shared.web.remembered import MOST, MOST_BYTES, STILL_KEY, Remembered

Message = dict[str, Any]
TAG = (b"etag", b'W/"7"')


class Numbered:
    """Answers 1, 2, 3 …"""

    def __init__(self, status: int = 200, pieces: int = 1, size: int = 0) -> None:
        self._status, self._pieces, self._size = status, pieces, size
        self.made = 0
        self.now = 0.0

    def seconds(self) -> float:
        return self.now

    def around(self) -> App:
        return Remembered(1.0, lambda path: path != "/never", self.seconds).around(self.answer)

    async def answer(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        self.made += 1
        body = b"%d" % self.made + b" " * self._size
        await send({"type": "http.response.start", "status": self._status, "headers": []})
        for left in reversed(range(self._pieces)):
            await send({"type": "http.response.body", "body": body, "more_body": left > 0})


async def ask(app: App, path: str = "/a", query: bytes = b"", **more: Any) -> bytes:
    parts: list[bytes] = []

    async def send(message: Any) -> None:
        parts.append(message.get("body", b""))
        message["headers"] = "changed by who sends it"

    async def receive() -> Message:
        raise AssertionError("the body is not read")

    scope = {"method": "GET", "path": path, "query_string": query, "headers": [], **more}
    await app(scope, receive, send)
    return b"".join(parts).strip()


async def test_an_equal_question_gets_the_same_answer_for_a_moment() -> None:
    numbered = Numbered()
    app = numbered.around()
    assert await ask(app) == b"1"
    numbered.now = 0.99
    assert await ask(app) == b"1"
    numbered.now = 1.0
    assert await ask(app) == b"2"


async def test_questions_that_differ_get_answers_of_their_own() -> None:
    app = Numbered().around()
    csv = [(b"accept", b"text/csv")]
    assert [
        await ask(app),
        await ask(app, "/b"),
        await ask(app, query=b"limit=3"),
        await ask(app, headers=csv),
        await ask(app, headers=csv),
    ] == [b"1", b"2", b"3", b"4", b"4"]


async def test_only_answers_that_may_be_a_second_old_are_remembered() -> None:
    app = Numbered().around()
    assert [await ask(app, "/never"), await ask(app, "/never")] == [b"1", b"2"]
    assert [await ask(app, method="HEAD"), await ask(app, method="HEAD")] == [b"3", b"4"]


async def test_errors_streams_and_large_answers_are_not_remembered() -> None:
    for numbered in (Numbered(503), Numbered(pieces=2), Numbered(size=MOST_BYTES)):
        app = numbered.around()
        await ask(app)
        await ask(app)
        assert numbered.made == 2


async def test_so_many_answers_are_remembered_the_oldest_goes_first() -> None:
    numbered = Numbered()
    app = numbered.around()
    await asyncio.gather(*(ask(app, query=b"%d" % number) for number in range(MOST + 1)))
    assert await ask(app, query=b"%d" % MOST) == b"%d" % (MOST + 1)
    assert await ask(app, query=b"1") == b"2"
    assert await ask(app, query=b"0") == b"%d" % (MOST + 2)


async def test_each_coding_has_an_answer_of_its_own() -> None:
    app = Numbered().around()
    gzip = [(b"accept-encoding", b"br, gzip")]
    assert [await ask(app), await ask(app, headers=gzip), await ask(app)] == [b"1", b"2", b"1"]
    assert await ask(app, headers=[(b"accept-encoding", b"x-gzip")]) == b"2"


async def begun_with(app: App, *headers: tuple[bytes, bytes]) -> list[Message]:
    sent: list[Message] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Message:
        raise AssertionError("the body is not read")

    scope = {"method": "GET", "path": "/a", "query_string": b"", "headers": list(headers)}
    await app(scope, receive, send)
    return sent


async def test_a_client_with_the_answer_gets_304_and_others_get_the_whole_one() -> None:
    conditions: list[Any] = []

    async def tagged(scope: Scope, _receive: Receive, send: Send) -> None:
        conditions.extend(name for name, _ in scope["headers"])
        headers = [(b"content-type", b"text/plain"), TAG, (b"content-length", b"4")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"page"})

    app = Remembered(1.0, lambda _: True).around(tagged)
    for _ in range(2):  # made, then remembered
        start, body = await begun_with(app, (b"if-none-match", b'"7"'))
        assert (start["status"], start["headers"], body["body"]) == (304, [TAG], b"")
    start, body = await begun_with(app, (b"if-none-match", b'"8"'))
    assert (start["status"], body["body"]) == (200, b"page")
    assert conditions == []  # made once, for all


async def test_an_answer_is_remembered_while_it_would_still_be_the_same() -> None:
    made = [0]

    async def figures(_scope: Scope, _receive: Receive, send: Send) -> None:
        made[0] += 1
        number = made[0]
        start: Message = {"type": "http.response.start", "status": 200, "headers": []}
        await send({**start, STILL_KEY: lambda: made[0] == number})
        await send({"type": "http.response.body", "body": b"%d" % number})

    app = Remembered(1.0, lambda _: False).around(figures)
    assert [await ask(app), await ask(app)] == [b"1", b"1"]
    made[0] += 1
    assert [await ask(app), await ask(app)] == [b"3", b"3"]
    assert STILL_KEY not in (await begun_with(app))[0]
