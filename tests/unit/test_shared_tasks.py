"""Work beside a service's life."""

import asyncio
import logging

import pytest

from shared.base.tasks import background
from shared.rabbit.broker import BROKER_ERRORS, calls_end_as_errors


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
