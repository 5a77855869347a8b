"""Budgets of time, and work that is metered."""

import asyncio
from contextlib import ExitStack

import pytest

from shared.base.budget import Budget, Metered, ProcessorBudget
from shared.base.concurrency import ConcurrencyLimit
from shared.base.errors import Unavailable
from tests.support.jumping import play


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def seconds(self) -> float:
        return self.now


def budget_of(clock: Clock, share: float = 0.25, most: float = 1.0, debt: float = 0.5) -> Budget:
    return Budget(share, most, debt=debt, seconds=clock.seconds)


def test_work_may_begin_until_the_budget_is_spent() -> None:
    clock = Clock()
    budget = budget_of(clock)
    budget.spend(0.9)
    assert budget.wait() == 0
    budget.spend(0.3)
    assert budget.wait() == pytest.approx(0.2 / 0.25)
    clock.now = 0.5
    assert budget.wait() == pytest.approx(0.3)
    clock.now = 0.9
    assert budget.wait() == 0


def test_many_get_a_share_of_the_time() -> None:
    clock = Clock()
    budget, worked = budget_of(clock), 0.0
    while clock.now < 1000:
        clock.now += budget.wait()
        clock.now += 0.1
        worked += 0.1
        budget.spend(0.1)
    assert worked / 1000 == pytest.approx(0.25, abs=0.005)


def test_what_came_while_the_work_was_done_counts() -> None:
    clock = Clock()
    budget = budget_of(clock)
    clock.now = 100
    budget.spend(24)
    assert budget.wait() == 0


def test_a_budget_holds_at_most_so_much_and_is_overdrawn_by_at_most_so_much() -> None:
    clock = Clock()
    budget = budget_of(clock)
    clock.now = 1000
    assert budget.wait() == 0
    budget.spend(1.0)
    assert budget.wait() == 0
    budget.spend(99)
    assert budget.wait() == pytest.approx(0.5 / 0.25)


async def test_metered_work_spends_its_own_processor_time_and_not_that_of_others() -> None:
    processor, clock = Clock(), Clock()
    budget = budget_of(clock, most=10)

    async def other() -> None:
        processor.now += 100

    async def work() -> str:
        processor.now += 3
        await asyncio.create_task(other())
        processor.now += 4
        return "done"

    metered = Metered(work(), budget, processor.seconds)
    assert await metered == "done"
    assert budget.wait() == 0
    budget.spend(3.25)
    assert budget.wait() == pytest.approx(1)


async def test_metered_work_sees_errors_and_cancellations() -> None:
    clock, seen = Clock(), list[str]()

    async def fails() -> None:
        await asyncio.sleep(0)
        raise KeyError("a")

    with pytest.raises(KeyError):
        await Metered(fails(), budget_of(clock))

    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    async def metered() -> None:
        await Metered(waits(), budget_of(clock))

    task = asyncio.create_task(metered())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert seen == ["cancelled"]


def test_a_busy_process_lets_work_begin_at_the_least_rate() -> None:
    processor, clock = Clock(), Clock()
    whole, least = (Budget(share, 0.0, debt=9, seconds=clock.seconds) for share in (0.5, 0.1))
    budget = ProcessorBudget(whole, least, processor.seconds)
    processor.now = 1.0
    assert budget.wait() == 0  # the least is there
    budget.spend(0.05)
    assert budget.wait() == pytest.approx(0.5)  # whole: 2 s
    clock.now = 0.4
    assert budget.wait() == pytest.approx(0.1)
    clock.now = 1.9
    budget.spend(1.0)
    assert budget.wait() == pytest.approx(0.1)  # whole
    clock.now = 2.0
    assert budget.wait() == 0


async def nothing() -> None:
    """Work whose cost the test sets."""


def cost(budget: ProcessorBudget, seconds: float) -> ExitStack:
    """Work has begun, and used `seconds`; closing ends it."""
    work, ended = nothing(), ExitStack()
    ended.callback(work.close)
    metered = Metered(work, budget)
    metered.used = seconds
    ended.enter_context(budget.doing(metered))
    return ended


def two(whole: float, least: float) -> tuple[Budget, Budget, ProcessorBudget]:
    """Budgets that may have so much, at a time that stands still."""
    one, other = (Budget(0.5, most, debt=9, seconds=lambda: 0.0) for most in (whole, least))
    return one, other, ProcessorBudget(one, other, lambda: 0.0)


def test_work_that_has_begun_is_expected_to_cost_as_much_as_others_did() -> None:
    whole, least, budget = two(1.0, 0.0)
    for _ in range(100):
        cost(budget, 0.04).close()
    least.spend(9)
    whole.spend(0.9)
    begun = [cost(budget, 0.0), cost(budget, 0.0)]
    assert budget.wait() == 0
    begun.append(cost(budget, 0.01))
    assert budget.wait() == pytest.approx(0.01 / 0.5, rel=0.01)  # 0.04 + 0.04 + 0.03 of 0.1
    begun.append(cost(budget, 9.0))  # more than expected: nothing is expected any more
    assert budget.wait() == pytest.approx(0.01 / 0.5, rel=0.01)
    begun.pop(0).close()
    assert budget.wait() == 0
    for each in begun:
        each.close()


def test_expected_costs_hold_back_half_of_the_budget_at_most_and_a_long_answer_counts_little() -> (
    None
):
    whole, least, budget = two(1.0, 0.0)
    least.spend(9)
    begun = [cost(budget, 0.0) for _ in range(1000)]
    assert budget.wait() == 0
    whole.spend(0.6)
    assert budget.wait() == pytest.approx(0.1 / 0.5)
    whole.spend(-0.6)
    for each in begun:
        each.close()
    for _ in range(100):
        cost(budget, 1000.0).close()
    whole.spend(0.94)
    with cost(budget, 0.0):
        assert budget.wait() == 0
        whole.spend(0.02)
        assert budget.wait() > 0


def test_who_would_wait_in_vain_for_the_end_of_a_rest_is_refused_at_once() -> None:
    async def scene() -> None:
        loop = asyncio.get_running_loop()
        budget = Budget(0.5, 1.0, debt=5, seconds=loop.time)
        limit = ConcurrencyLimit(1, most_waiting=9, seconds=2, budget=budget)
        budget.spend(2.5)  # three seconds of rest
        with pytest.raises(Unavailable):
            async with limit.place():
                raise AssertionError("it may not begin")
        assert loop.time() == 0
        await asyncio.sleep(1.5)
        async with limit.place():  # the place was given back
            assert loop.time() == 3

    play(scene)


def test_costly_work_rests_while_its_budget_is_overdrawn() -> None:
    async def scene() -> None:
        loop = asyncio.get_running_loop()
        budget = Budget(0.5, 1.0, debt=5, seconds=loop.time)
        limit = ConcurrencyLimit(1, most_waiting=9, seconds=60, budget=budget)
        begun = []

        async def work() -> None:
            async with limit.place():
                begun.append(round(loop.time(), 3))
                await asyncio.sleep(2)

        await asyncio.gather(*(work() for _ in range(3)))
        # 1 s is there, and 1 s comes while 2 s are used: the second begins at once. After it 1 s
        # is owed, which comes in 2 s.
        assert begun == [0, 2, 6]

    play(scene)


def test_a_caller_that_gives_up_during_the_rest_leaves_the_place_free() -> None:
    async def scene() -> None:
        loop = asyncio.get_running_loop()
        budget = Budget(0.5, 1.0, debt=5, seconds=loop.time)
        limit = ConcurrencyLimit(1, most_waiting=9, seconds=60, budget=budget)
        budget.spend(3)

        async def work() -> float:
            async with limit.place():
                return loop.time()

        first, second = asyncio.create_task(work()), asyncio.create_task(work())
        await asyncio.sleep(1)
        first.cancel()
        assert await second == pytest.approx(4)

    play(scene)
