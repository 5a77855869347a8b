"""The loop that follows a change stream."""

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from luotdoc_subscriber.base.errors import Transient
from shared.storage import changes as module
from shared.storage.changes import Opened, follow


class Ended(BaseException):
    """The script of the streams is over."""


class Follower:
    """Follows streams that open and yield changes, or fail; notes what it hears."""

    def __init__(self, *scripts: list[str | Exception]) -> None:
        self._scripts = list(scripts)
        self.heard: list[str] = []

    async def watch(self, opened: Opened) -> AsyncIterator[str]:
        if not self._scripts:
            raise Ended
        for part in self._scripts.pop(0):
            if isinstance(part, Exception):
                raise part
            if part == "open":
                await opened()
            else:
                yield part

    async def _opened(self) -> None:
        self.heard.append("opened")

    async def run(self) -> list[str]:
        with pytest.raises(Ended):
            await follow(
                "the stream",
                self.watch,
                opened=self._opened,
                changed=self.heard.append,
                lost=lambda: self.heard.append("lost"),
            )
        return self.heard


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(module, "REOPEN_SECONDS", 0)
    caplog.set_level(logging.INFO)


GONE = Transient("MongoDB: connection closed")


async def test_a_lost_stream_is_opened_again(caplog: pytest.LogCaptureFixture) -> None:
    heard = await Follower(["open", "a", "b", GONE], [GONE], [GONE], ["open", "c", GONE]).run()
    assert heard == ["opened", "a", "b", "lost", "lost", "lost", "opened", "c", "lost", "lost"]
    assert [record.getMessage() for record in caplog.records] == [
        "the stream waits: MongoDB: connection closed",
        "the stream works again",  # once it is open, not once it ends
        "the stream waits: MongoDB: connection closed",
    ]


async def test_a_stream_that_ends_without_an_error_is_opened_again() -> None:
    assert await Follower(["open", "a"], ["open", "b"]).run() == [
        "opened", "a", "lost", "opened", "b", "lost", "lost"
    ]  # fmt: skip


async def test_a_load_that_fails_does_not_count_as_open(caplog: pytest.LogCaptureFixture) -> None:
    class Failing(Follower):
        async def _opened(self) -> None:
            raise GONE

    await Failing(["open"], ["open"]).run()
    assert [record.getMessage() for record in caplog.records] == [
        "the stream waits: MongoDB: connection closed"
    ]


async def test_following_ends_when_it_is_cancelled() -> None:
    class Endless(Follower):
        async def watch(self, opened: Opened) -> AsyncIterator[str]:
            await opened()
            await asyncio.sleep(30)
            yield "never"

    endless = Endless()
    task = asyncio.create_task(endless.run())
    while not endless.heard:  # noqa: ASYNC110  (no event tells)
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert endless.heard == ["opened", "lost"]
