"""A few questions at a time."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest

from shared.errors import Problem
from shared.gate import gated
from shared.http import Receive, Scope, Send


class Asked:
    """An app that answers a question when it is told to, and its clients."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.answer = asyncio.Event()
        self.read = asyncio.Event()
        """Set when clients have read their answers."""

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        self.begun.append(scope["path"])
        if scope["path"] == "/fails":
            raise ValueError("a bug")
        if scope["path"] != "/cheap":
            await self.answer.wait()
        await send({"type": "http.response.start"})

    async def send(self, message: MutableMapping[str, Any]) -> None:
        await self.read.wait()


def ask(app: Any, client: Asked, path: str) -> "asyncio.Task[None]":
    async def nothing() -> dict[str, Any]:
        return {}

    return asyncio.create_task(app({"path": path}, nothing, client.send))


async def turn() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_costly_questions_wait_and_cheap_ones_do_not() -> None:
    asked = Asked()
    app = gated(asked, {"/cheap"}, at_once=2, most_waiting=1)
    asks = [ask(app, asked, path) for path in ("/1", "/2", "/3", "/cheap")]
    await turn()
    assert asked.begun == ["/1", "/2", "/cheap"]
    with pytest.raises(Problem) as refused:
        await ask(app, asked, "/4")
    assert (refused.value.status, refused.value.headers) == (503, [("retry-after", "1")])
    # Its clients don't read, and hold up nobody.
    asked.answer.set()
    await turn()
    assert asked.begun == ["/1", "/2", "/cheap", "/3"]
    asked.read.set()
    await asyncio.gather(*asks)


async def test_a_question_that_fails_or_is_given_up_leaves_the_gate() -> None:
    asked = Asked()
    app = gated(asked, (), at_once=1)
    with pytest.raises(ValueError, match="a bug"):
        await ask(app, asked, "/fails")
    first, second = ask(app, asked, "/1"), ask(app, asked, "/2")
    await turn()
    second.cancel()
    await turn()
    first.cancel()
    third = ask(app, asked, "/3")
    await turn()
    assert asked.begun == ["/fails", "/1", "/3"]
    third.cancel()
