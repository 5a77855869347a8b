"""The bound on costly work."""

import asyncio

import pytest

from shared.base.concurrency import ConcurrencyLimit
from shared.base.errors import Unavailable
from tests.support.jumping import play


class Works:
    """Callers by number, who work until they are told to end."""

    def __init__(self, limit: ConcurrencyLimit) -> None:
        self._limit = limit
        self.working: list[int] = []
        self._ends: dict[int, asyncio.Event] = {}

    async def call(self, number: int) -> None:
        async with self._limit.place():
            self.working.append(number)
            self._ends[number] = asyncio.Event()
            await self._ends[number].wait()
        self.working.remove(number)

    def end(self, number: int) -> None:
        self._ends[number].set()


async def _settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_as_many_work_at_once_as_there_are_places_and_others_in_their_order() -> None:
    async def scene() -> None:
        works = Works(ConcurrencyLimit(2, most_waiting=3, seconds=5))
        calls = [asyncio.create_task(works.call(number)) for number in range(5)]
        await _settle()
        assert works.working == [0, 1]
        works.end(1)
        await _settle()
        assert works.working == [0, 2]
        works.end(0)
        works.end(2)
        await _settle()
        assert works.working == [3, 4]
        works.end(3)
        works.end(4)
        await asyncio.gather(*calls)

    play(scene)


def test_whoever_finds_the_queue_full_is_refused_at_once() -> None:
    async def scene() -> None:
        works = Works(ConcurrencyLimit(1, most_waiting=1, seconds=5))
        calls = [asyncio.create_task(works.call(number)) for number in range(2)]
        await _settle()
        began = asyncio.get_running_loop().time()
        with pytest.raises(Unavailable, match="too many costly requests"):
            await works.call(9)
        assert asyncio.get_running_loop().time() == began
        works.end(0)
        await _settle()
        works.end(1)
        await asyncio.gather(*calls)

    play(scene)


def test_whoever_waits_in_vain_is_refused_and_leaves_the_queue() -> None:
    async def scene() -> None:
        works = Works(ConcurrencyLimit(1, most_waiting=1, seconds=5))
        first = asyncio.create_task(works.call(0))
        await _settle()
        began = asyncio.get_running_loop().time()
        with pytest.raises(Unavailable):
            await works.call(1)
        assert asyncio.get_running_loop().time() - began == pytest.approx(5)
        second = asyncio.create_task(works.call(2))
        await _settle()
        works.end(0)
        await _settle()
        assert works.working == [2]
        works.end(2)
        await asyncio.gather(first, second)

    play(scene)


def test_a_caller_that_fails_or_is_cancelled_gives_its_place_back() -> None:
    async def scene() -> None:
        limit = ConcurrencyLimit(1, most_waiting=1, seconds=5)
        with pytest.raises(KeyError):
            async with limit.place():
                raise KeyError
        works = Works(limit)
        first, second = (asyncio.create_task(works.call(number)) for number in range(2))
        await _settle()
        second.cancel()
        await _settle()
        first.cancel()
        await _settle()
        third = asyncio.create_task(works.call(2))
        await _settle()
        assert works.working[-1] == 2
        works.end(2)
        await third

    play(scene)
