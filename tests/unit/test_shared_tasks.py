"""Work beside a service's life."""

import asyncio
import logging

import pytest

from shared.tasks import background


async def _fails(when_cancelled: bool) -> None:
    try:
        await asyncio.sleep(30 if when_cancelled else 0)
    finally:
        raise AttributeError("used by two threads")


async def test_what_fails_because_it_is_ended_is_told_and_fails_nobody(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        async with background(_fails(when_cancelled=True)):
            await asyncio.sleep(0)
    assert "used by two threads" in caplog.text


async def test_what_fails_by_itself_fails_the_block() -> None:
    with pytest.raises(ExceptionGroup, match="unhandled errors") as raised:
        async with background(_fails(when_cancelled=False)):
            await asyncio.sleep(30)
    assert [type(error) for error in raised.value.exceptions] == [AttributeError]
