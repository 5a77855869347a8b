"""Work beside a service's life."""

import asyncio
import logging

import pytest

from luotdoc_subscriber.base.errors import Permanent, Transient
from luotdoc_subscriber.base.tasks import (
    FIRST_DELAY,
    REMIND_SECONDS,
    Outage,
    background,
    backoff,
    retried,
    supervised,
)
from luotdoc_subscriber.rabbit.broker import BROKER_ERRORS, calls_end_as_errors


async def _fails(when_cancelled: bool) -> None:
    try:
        await asyncio.sleep(30 if when_cancelled else 0)
    finally:
        raise AttributeError("used by two threads")


async def test_what_fails_because_it_is_ended_is_told_and_fails_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO):
        async with background(_fails(when_cancelled=True)):
            await asyncio.sleep(0)
    assert "used by two threads" in caplog.text


async def test_what_fails_by_itself_fails_the_block() -> None:
    with pytest.raises(ExceptionGroup, match="unhandled errors") as raised:
        async with background(_fails(when_cancelled=False)):
            await asyncio.sleep(30)
    assert [type(error) for error in raised.value.exceptions] == [AttributeError]


async def test_work_that_a_library_cancels_from_within_fails_the_block() -> None:
    async def relay() -> None:
        raise asyncio.CancelledError

    with pytest.raises(ExceptionGroup) as raised:
        async with background(relay()):
            await asyncio.sleep(30)
    assert "was cancelled from within" in str(raised.value.exceptions)


@pytest.mark.parametrize("ended", [asyncio.CancelledError, Exception])
async def test_a_call_whose_connection_was_closed_is_an_error_of_the_broker(
    ended: type[BaseException],
) -> None:
    with pytest.raises(BROKER_ERRORS, match="closed under the call"), calls_end_as_errors():
        raise ended


async def test_a_task_that_is_cancelled_in_a_call_ends() -> None:
    async def call() -> None:
        with calls_end_as_errors():
            await asyncio.sleep(30)

    task = asyncio.create_task(call())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


class Ended(BaseException):
    """The script of a loop is over."""


class Script:
    """The step of a loop: raises or answers one outcome after the other, then ends the loop.
    Notes each wait, which takes no time.
    """

    def __init__(self, *outcomes: object) -> None:
        self._outcomes = list(outcomes)
        self.waits: list[float] = []

    async def step(self) -> object:
        if not self._outcomes:
            raise Ended
        outcome = self._outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def pause(self, seconds: float) -> None:
        self.waits.append(seconds)

    async def run(self, interval: float, longest: float | None = None) -> list[float]:
        with pytest.raises(Ended):
            await supervised("the work", self.step, interval, longest=longest, pause=self.pause)
        return self.waits


def lines(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str, bool]]:
    return [(r.levelname, r.getMessage(), bool(r.exc_info)) for r in caplog.records]


AWAY = Transient("MongoDB: h:1: refused")


def test_a_backoff_doubles_up_to_its_longest() -> None:
    assert [backoff(n, 0.1, 2.0) for n in range(1, 8)] == [0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0]
    assert backoff(10_000, 0.1, 2.0) == 2.0


async def test_a_loop_waits_its_interval_unless_there_is_more() -> None:
    assert await Script(None, False, True, True, 7, None).run(3.0) == [3.0] * 4


async def test_after_failures_a_loop_backs_off_up_to_its_interval_and_begins_anew() -> None:
    script = Script(*[AWAY] * 7, None, AWAY)
    assert await script.run(6.0) == [0.25, 0.5, 1.0, 2.0, 4.0, 6.0, 6.0, 6.0, 0.25]


async def test_a_loop_with_a_short_interval_may_back_off_further() -> None:
    script = Script(*[AWAY] * 7)
    assert await script.run(0.1, longest=1.0) == [0.1, 0.2, 0.4, 0.8, 1.0, 1.0, 1.0]
    assert await Script(*[AWAY] * 3).run(0.1) == [0.1] * 3


async def test_an_outage_is_logged_once_and_its_end(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    other = Transient("MongoDB: h:1: connection closed")
    await Script(AWAY, AWAY, other, AWAY, other, TimeoutError(), None, None, AWAY).run(1.0)
    assert lines(caplog) == [
        ("WARNING", "the work waits: MongoDB: h:1: refused", False),
        ("WARNING", "the work waits: MongoDB: h:1: connection closed", False),
        ("WARNING", "the work waits: TimeoutError", False),
        ("INFO", "the work works again", False),
        ("WARNING", "the work waits: MongoDB: h:1: refused", False),
    ]


async def test_a_bug_neither_ends_a_loop_nor_hides(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    newer = Permanent("newer_version", "pages a1 has version 2")
    await Script(KeyError("slug"), KeyError("slug"), newer, newer, None).run(1.0)
    assert lines(caplog) == [
        ("ERROR", "a bug in the work, which tries again: 'slug'", True),
        ("ERROR", "the work can't go on, and tries again: pages a1 has version 2", False),
        ("INFO", "the work works again", False),
    ]


def test_a_bug_that_lasts_is_logged_again_and_an_outage_is_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now = 1000.0
    outage = Outage("the work", lambda: now)
    for _ in range(3):
        outage.failed(AWAY)
        outage.failed(KeyError("slug"))
        now += REMIND_SECONDS
        outage.failed(KeyError("slug"))
    assert [line[0] for line in lines(caplog)] == ["WARNING", "ERROR", "ERROR", "ERROR", "ERROR"]


async def test_what_is_retried_answers_its_first_success(
    caplog: pytest.LogCaptureFixture,
) -> None:
    script = Script(AWAY, AWAY, 7)
    assert await retried("the work", script.step, 1.0, 1.5, pause=script.pause) == 7
    assert script.waits == [1.0, 1.5]
    assert [line[1] for line in lines(caplog)] == ["the work waits: MongoDB: h:1: refused"]


@pytest.mark.parametrize("error", [AWAY, AttributeError("used by two threads")])
async def test_a_loop_ends_when_it_is_cancelled_whatever_its_step_then_raises(
    error: Exception,
) -> None:
    started = asyncio.Event()

    async def step() -> None:
        started.set()
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            raise error from None

    async with asyncio.timeout(5), background(supervised("the work", step, FIRST_DELAY)):
        await started.wait()
