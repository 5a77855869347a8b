"""Costly requests begin one by one."""

import asyncio
import time
from collections.abc import MutableMapping
from typing import Any

import pytest

from shared.base.budget import Budget, ProcessorBudget
from shared.base.errors import Problem
from shared.web import turnstile
from shared.web.asgi import TURN_KEY, Disconnected, Receive, Scope, Send
from shared.web.turnstile import AROUND_SECONDS, IN_A_TURN, in_turns


class Client:
    """Asks, and may leave."""

    def __init__(self) -> None:
        self.disconnected = False

    async def receive(self) -> MutableMapping[str, Any]:
        return {}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        """Nothing."""


class Served:
    """Notes in which turn of the loop each request began."""

    def __init__(self) -> None:
        self.begun: list[tuple[int, str]] = []
        self.turn = 0

    async def __call__(self, scope: Scope, _receive: Receive, _send: Send) -> None:
        self.begun.append((self.turn, scope["path"]))

    async def count_turns(self, number: int) -> None:
        for _ in range(number):
            self.turn += 1
            await asyncio.sleep(0)


def ask(app: Any, path: str, client: Client | None = None) -> "asyncio.Task[None]":
    one = client or Client()
    return asyncio.create_task(app({"path": path}, one.receive, one.send))


async def test_a_flood_begins_in_turns() -> None:
    served = Served()
    app = in_turns(served)
    asks = [ask(app, f"/{number}") for number in range(20)]
    await served.count_turns(40)
    await asyncio.gather(*asks)
    assert [path for _, path in served.begun] == [f"/{number}" for number in range(20)]
    turns = [turn for turn, _ in served.begun]
    assert max(turns.count(turn) for turn in turns) == IN_A_TURN


async def test_who_finds_too_many_is_told_to_come_again() -> None:
    served = Served()
    app = in_turns(served, most_waiting=3)
    asks = [ask(app, f"/{number}") for number in range(4)]
    answers = await asyncio.gather(*asks, return_exceptions=True)
    assert [type(answer) for answer in answers] == [type(None)] * 3 + [Problem]
    assert isinstance(answers[3], Problem)
    assert (answers[3].status, answers[3].headers) == (503, [("retry-after", "1")])


async def test_nothing_is_done_for_a_client_that_has_left() -> None:
    served, gone = Served(), Client()
    app = in_turns(served)
    asks = [ask(app, "/gone", gone), ask(app, "/cancelled"), ask(app, "/there")]
    await asyncio.sleep(0)
    gone.disconnected = True
    asks[1].cancel()
    await asyncio.wait(asks)
    with pytest.raises(Disconnected):
        asks[0].result()
    assert [path for _, path in served.begun] == ["/there"]


class Spent:
    """A budget of which nothing is left, or `left`, at a time that is set by hand."""

    def __init__(self, left: float = 0.0) -> None:
        self.now = 0.0
        self.whole, self.least = (
            Budget(0.5, left, debt=9, seconds=lambda: self.now) for _ in range(2)
        )
        self.budget = ProcessorBudget(self.whole, self.least, lambda: 0.0)


async def test_requests_wait_while_the_budget_is_overdrawn() -> None:
    served, spent = Served(), Spent()
    app = in_turns(served, budget=spent.budget)
    await ask(app, "/first")
    for each in (spent.whole, spent.least):
        each.spend(0.01)
    waiting = ask(app, "/second")
    await asyncio.sleep(0.01)
    assert [path for _, path in served.begun] == ["/first"]
    spent.now = 0.1
    await waiting
    assert [path for _, path in served.begun] == ["/first", "/second"]


async def test_what_a_request_uses_is_spent_and_what_it_costs_around() -> None:
    async def busy(_scope: Scope, _receive: Receive, _send: Send) -> None:
        until = time.thread_time() + 0.02
        while time.thread_time() < until:
            pass

    spent = Spent()
    await ask(in_turns(busy, budget=spent.budget), "/")
    assert (0.02 + AROUND_SECONDS) / 0.5 <= spent.least.wait() < 0.4


async def test_a_long_answer_waits_for_its_turn_again() -> None:
    begun: list[str] = []

    async def long(scope: Scope, _receive: Receive, _send: Send) -> None:
        for part in range(2):
            begun.append(f"{scope['path']} {part}")
            await scope[TURN_KEY]()

    app = in_turns(long, in_a_turn=1, budget=Spent().budget)
    await asyncio.gather(*(ask(app, path) for path in ("/a", "/b")))
    assert begun == ["/a 0", "/b 0", "/a 1", "/b 1"]


async def test_a_request_that_has_waited_too_long_is_told_to_come_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(turnstile, "MAX_WAIT_SECONDS", 0.02)
    served, spent = Served(), Spent()
    app = in_turns(served, budget=spent.budget)
    for each in (spent.whole, spent.least):
        each.spend(0.03)  # 60 ms of rest
    with pytest.raises(Problem) as told:
        await ask(app, "/late")
    spent.now = 1.0
    assert (told.value.status, told.value.headers) == (503, [("retry-after", "1")])
    await ask(app, "/in time")
    assert [path for _, path in served.begun] == ["/in time"]


async def test_a_long_answer_that_has_begun_waits_for_as_long_as_it_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(turnstile, "MAX_WAIT_SECONDS", 0.01)
    spent = Spent()

    async def long(scope: Scope, _receive: Receive, _send: Send) -> None:
        for each in (spent.whole, spent.least):
            each.spend(0.03)
        await scope[TURN_KEY]()

    answering = ask(in_turns(long, budget=spent.budget), "/")
    await asyncio.sleep(0.03)
    spent.now = 1.0
    await answering


@pytest.mark.parametrize("end", ["done", "failed", "cancelled"])
async def test_a_request_that_has_begun_holds_others_back_until_it_ends(end: str) -> None:
    begun, may_end = list[str](), asyncio.Event()

    async def long(scope: Scope, _receive: Receive, _send: Send) -> None:
        begun.append(scope["path"])
        if scope["path"] == "/long":
            await may_end.wait()
            if end == "failed":
                raise ValueError

    spent = Spent(left=1.0)
    app = in_turns(long, budget=spent.budget)
    for each in (spent.whole, spent.least):
        each.spend(0.999)  # less than one is expected to cost
    first = ask(app, "/long")
    async with asyncio.timeout(5):
        while not begun:  # noqa: ASYNC110
            await asyncio.sleep(0)
    second = ask(app, "/next")
    await asyncio.sleep(0.02)
    assert begun == ["/long"]
    if end == "cancelled":
        first.cancel()
    may_end.set()
    await asyncio.wait([first])
    assert (first.cancelled() or first.exception() is not None) == (end != "done")
    await second
    assert begun == ["/long", "/next"]


async def test_a_long_rest_ends_when_the_budget_is_there_again_and_the_late_are_told_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(turnstile, "LOOK_SECONDS", 0.005)
    monkeypatch.setattr(turnstile, "MAX_WAIT_SECONDS", 0.03)
    served, spent = Served(), Spent()
    app = in_turns(served, budget=spent.budget)
    for each in (spent.whole, spent.least):
        each.spend(5.0)  # ten seconds of rest
    with pytest.raises(Problem) as told:
        await asyncio.wait_for(ask(app, "/late"), 2)
    assert told.value.status == 503
    monkeypatch.setattr(turnstile, "MAX_WAIT_SECONDS", 60)
    waiting = ask(app, "/waits")
    await asyncio.sleep(0.01)
    spent.now = 11.0
    await asyncio.wait_for(waiting, 2)
    assert [path for _, path in served.begun] == ["/waits"]
