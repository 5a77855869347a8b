"""Answers that are shared for an instant."""

import asyncio

import pytest

from shared.recent import Recent


class Kitchen:
    """Makes the numbers 1, 2, 3 …; its clock is set by hand, and it can be held up or broken."""

    def __init__(self) -> None:
        self.made = 0
        self.time = 0.0
        self.open = asyncio.Event()
        self.open.set()
        self.broken = False

    async def make(self) -> int:
        self.made += 1
        number = self.made
        await self.open.wait()
        if self.broken:
            raise ConnectionError
        return number


async def test_an_answer_is_shared_while_it_is_young() -> None:
    kitchen = Kitchen()
    recent: Recent[int] = Recent(0.5, lambda: kitchen.time)
    assert await recent.get("a", kitchen.make) == 1
    kitchen.time = 0.49
    assert await recent.get("a", kitchen.make) == 1
    kitchen.time = 0.5
    assert await recent.get("a", kitchen.make) == 2


async def test_each_key_has_its_own() -> None:
    kitchen = Kitchen()
    recent: Recent[int] = Recent(0.5, lambda: kitchen.time)
    assert [await recent.get(key, kitchen.make) for key in "aba"] == [1, 2, 1]


async def test_a_crowd_waits_for_one_answer_and_outlives_one_that_leaves() -> None:
    kitchen = Kitchen()
    recent: Recent[int] = Recent(0.5, lambda: kitchen.time)
    kitchen.open.clear()
    crowd = [asyncio.create_task(recent.get("a", kitchen.make)) for _ in range(3)]
    await asyncio.sleep(0)
    kitchen.time = 9.0  # still being made: nobody starts another one
    crowd.append(asyncio.create_task(recent.get("a", kitchen.make)))
    await asyncio.sleep(0)
    crowd[0].cancel()
    kitchen.open.set()
    assert await asyncio.gather(*crowd[1:]) == [1, 1, 1]
    assert kitchen.made == 1


async def test_an_error_is_not_kept() -> None:
    kitchen = Kitchen()
    recent: Recent[int] = Recent(0.5, lambda: kitchen.time)
    kitchen.broken = True
    with pytest.raises(ConnectionError):
        await recent.get("a", kitchen.make)
    kitchen.broken = False
    assert await recent.get("a", kitchen.make) == 2
