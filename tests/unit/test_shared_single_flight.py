"""Answers that are shared for an instant."""

import asyncio

import pytest

from services.stats.reports import AHEAD_SECONDS, CACHE_SECONDS, SITE_LOOK_SECONDS
from shared.base.single_flight import SingleFlightCache
from tests.support.jumping import play


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
    recent: SingleFlightCache[int] = SingleFlightCache(0.5, lambda: kitchen.time)
    assert await recent.get("a", kitchen.make) == 1
    kitchen.time = 0.49
    assert await recent.get("a", kitchen.make) == 1
    kitchen.time = 0.5
    assert await recent.get("a", kitchen.make) == 2


async def resting(kitchen: Kitchen, took: float) -> SingleFlightCache[int]:
    """A cache that rests four times as long as an answer took; the first has just taken `took`."""
    recent: SingleFlightCache[int] = SingleFlightCache(
        10, lambda: kitchen.time, ahead=True, ahead_after=0.1, rest=4
    )
    kitchen.open.clear()
    first = asyncio.create_task(recent.get("a", kitchen.make))
    await asyncio.sleep(0)
    kitchen.time = took
    kitchen.open.set()
    assert await first == 1
    return recent


async def test_the_next_answer_is_made_ahead_after_a_rest() -> None:
    kitchen = Kitchen()
    recent = await resting(kitchen, 0.5)
    for kitchen.time in (2.4, 2.6):  # 2 s of rest end at 2.5
        await recent.get("a", kitchen.make)
        await asyncio.sleep(0)
    assert kitchen.made == 2
    for kitchen.time in (2.65, 2.75):  # the second took no time
        await recent.get("a", kitchen.make)
        await asyncio.sleep(0)
    assert kitchen.made == 3


async def test_a_rest_ends_before_the_answer_is_old() -> None:
    kitchen = Kitchen()
    recent = await resting(kitchen, 50)
    for kitchen.time in (55.9, 56.1):
        assert await recent.get("a", kitchen.make) == 1
        await asyncio.sleep(0)
    assert kitchen.made == 2


async def test_an_outdated_answer_is_followed_at_once() -> None:
    kitchen = Kitchen()
    recent: SingleFlightCache[int] = SingleFlightCache(
        10, lambda: kitchen.time, ahead=True, ahead_after=5
    )
    assert await recent.get("a", kitchen.make, changed=True) == 1
    kitchen.time = 0.1
    assert await recent.get("a", kitchen.make) == 1
    await asyncio.sleep(0)
    assert kitchen.made == 1
    assert await recent.get("a", kitchen.make, changed=True) == 1
    await asyncio.sleep(0)
    assert kitchen.made == 2
    assert await recent.get("a", kitchen.make, changed=True) == 2


async def test_the_next_answer_is_made_ahead_and_nobody_waits_for_it() -> None:
    kitchen = Kitchen()
    recent: SingleFlightCache[int] = SingleFlightCache(0.5, lambda: kitchen.time, ahead=True)
    assert await recent.get("a", kitchen.make) == 1
    kitchen.open.clear()
    kitchen.time = 0.3
    for _ in range(3):
        assert await asyncio.wait_for(recent.get("a", kitchen.make), 1) == 1
    kitchen.open.set()
    await asyncio.sleep(0)
    assert kitchen.made == 2
    kitchen.time = 0.31
    assert await recent.get("a", kitchen.make) == 2
    kitchen.time = 0.79  # its making began at 0.3
    assert await recent.get("a", kitchen.make) == 2
    await asyncio.sleep(0)
    kitchen.time = 1.5  # nobody has asked for so long that the one that was made ahead is old, too
    assert await recent.get("a", kitchen.make) == 4


async def test_the_next_answer_may_be_made_ahead_sooner() -> None:
    kitchen = Kitchen()
    recent: SingleFlightCache[int] = SingleFlightCache(
        0.5, lambda: kitchen.time, ahead=True, ahead_after=0.04
    )
    for kitchen.time, answer in ((0.0, 1), (0.04, 1), (0.05, 1), (0.06, 2), (0.09, 2), (0.11, 2)):
        assert await recent.get("a", kitchen.make) == answer
        await asyncio.sleep(0)
    assert kitchen.made == 3


async def test_the_old_answer_goes_on_while_the_next_one_is_slow_but_not_for_long() -> None:
    kitchen = Kitchen()
    recent: SingleFlightCache[int] = SingleFlightCache(0.5, lambda: kitchen.time, ahead=True)
    assert await recent.get("a", kitchen.make) == 1
    kitchen.open.clear()
    for kitchen.time in (0.3, 0.6, 1.9):
        assert await asyncio.wait_for(recent.get("a", kitchen.make), 1) == 1
    kitchen.time = 2.0
    waits = asyncio.create_task(recent.get("a", kitchen.make))
    await asyncio.sleep(0)
    kitchen.open.set()
    assert await waits == 2
    assert kitchen.made == 2


async def test_a_next_answer_that_fails_is_asked_for_again() -> None:
    kitchen = Kitchen()
    recent: SingleFlightCache[int] = SingleFlightCache(0.5, lambda: kitchen.time, ahead=True)
    assert await recent.get("a", kitchen.make) == 1
    kitchen.time, kitchen.broken = 0.3, True
    assert await recent.get("a", kitchen.make) == 1
    await asyncio.sleep(0)
    kitchen.broken = False
    assert await recent.get("a", kitchen.make) == 1
    await asyncio.sleep(0)
    kitchen.time = 0.5
    assert await recent.get("a", kitchen.make) == 3


async def test_each_key_has_its_own() -> None:
    kitchen = Kitchen()
    recent: SingleFlightCache[int] = SingleFlightCache(0.5, lambda: kitchen.time)
    assert [await recent.get(key, kitchen.make) for key in "aba"] == [1, 2, 1]


async def test_a_crowd_waits_for_one_answer_and_outlives_one_that_leaves() -> None:
    kitchen = Kitchen()
    recent: SingleFlightCache[int] = SingleFlightCache(0.5, lambda: kitchen.time)
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
    recent: SingleFlightCache[int] = SingleFlightCache(0.5, lambda: kitchen.time)
    kitchen.broken = True
    with pytest.raises(ConnectionError):
        await recent.get("a", kitchen.make)
    kitchen.broken = False
    assert await recent.get("a", kitchen.make) == 2


async def test_an_answer_that_took_long_is_shared_from_its_end() -> None:
    kitchen = Kitchen()
    recent: SingleFlightCache[int] = SingleFlightCache(0.5, lambda: kitchen.time)
    kitchen.open.clear()
    waits = asyncio.create_task(recent.get("a", kitchen.make))
    await asyncio.sleep(0)
    kitchen.time = 8.0
    kitchen.open.set()
    assert await waits == 1
    kitchen.time = 8.49
    assert await recent.get("a", kitchen.make) == 1
    kitchen.time = 8.5
    assert await recent.get("a", kitchen.make) == 2


@pytest.mark.parametrize("takes", [0.02, 0.06, 0.09, 0.15])
def test_nobody_waits_for_the_site_s_figures_while_they_are_refreshed(takes: float) -> None:
    async def scene() -> None:
        loop = asyncio.get_running_loop()
        recent: SingleFlightCache[int] = SingleFlightCache(
            CACHE_SECONDS, loop.time, ahead=True, ahead_after=AHEAD_SECONDS
        )

        async def make() -> int:
            await asyncio.sleep(takes)
            return 1

        async def refresh() -> None:
            while True:
                await recent.get("site", make)
                await asyncio.sleep(SITE_LOOK_SECONDS)

        refreshing = asyncio.create_task(refresh())
        await asyncio.sleep(1)
        for _ in range(1000):
            began = loop.time()
            await recent.get("site", make)
            assert loop.time() == began
            await asyncio.sleep(0.013)
        refreshing.cancel()

    play(scene)


async def test_what_is_held_is_answered_only_if_nothing_must_be_made() -> None:
    kitchen = Kitchen()
    recent: SingleFlightCache[int] = SingleFlightCache(0.5, lambda: kitchen.time, ahead=True)
    assert recent.held("a") is None
    assert await recent.get("a", kitchen.make) == 1
    kitchen.time = 0.25
    assert recent.held("a") == 1
    kitchen.time, kitchen.open = 0.26, asyncio.Event()
    assert recent.held("a") is None  # the next one is due, and `get` starts it
    assert await recent.get("a", kitchen.make) == 1
    kitchen.time = 1.9
    assert recent.held("a") == 1  # it is being made
    kitchen.open.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert recent.held("a") == 2
    kitchen.time = 2.5
    assert recent.held("a") is None
    assert kitchen.made == 2


async def test_nothing_is_held_while_the_first_answer_is_made_or_has_failed() -> None:
    kitchen = Kitchen()
    kitchen.open, kitchen.broken = asyncio.Event(), True
    recent: SingleFlightCache[int] = SingleFlightCache(0.5, lambda: kitchen.time)
    waiting = asyncio.create_task(recent.get("a", kitchen.make))
    await asyncio.sleep(0)
    assert recent.held("a") is None
    kitchen.open.set()
    with pytest.raises(ConnectionError):
        await waiting
    assert recent.held("a") is None
