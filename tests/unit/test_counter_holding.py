"""How long batches are held while MongoDB is away, and what ends the wait."""

import asyncio

import pytest

from luotdoc_subscriber.base.errors import Transient
from luotdoc_subscriber.base.metrics import Registry, new_registry
from services.counter import holding as module
from services.counter.holding import HoldExpired, hold
from services.counter.lease import SlotLease
from services.counter.metrics import CounterMetrics
from services.counter.store import NO_SLOT, SLOTS
from tests.support.counter_store import SlotsInMemory

AWAY = Transient("MongoDB: h:1: refused")


class Work:
    """Raises or answers one outcome after the other; notes the failures that it was told of."""

    def __init__(self, *outcomes: object) -> None:
        self._outcomes = list(outcomes)
        self.failures: list[Exception] = []

    async def act(self) -> object:
        outcome = self._outcomes.pop(0) if len(self._outcomes) > 1 else self._outcomes[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def hold(self, seconds: float) -> object:
        return await hold(self.act, seconds, self.failures.append, "no flush")


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_DELAY", 0.001)
    monkeypatch.setattr(module, "LAST_DELAY", 0.002)


async def test_work_is_retried_while_the_server_is_away() -> None:
    work = Work(AWAY, TimeoutError(), AWAY, "flushed")
    assert await work.hold(5) == "flushed"
    assert [type(error) for error in work.failures] == [Transient, TimeoutError, Transient]


async def test_after_its_time_the_hold_expires_and_keeps_the_cause() -> None:
    work = Work(AWAY)
    with pytest.raises(HoldExpired, match=r"no flush for 0\.05 s") as raised:
        await work.hold(0.05)
    assert raised.value.__cause__ is AWAY
    assert len(work.failures) > 2


async def test_work_that_hangs_is_cancelled_when_its_time_is_over() -> None:
    cancelled = asyncio.Event()

    async def hangs() -> None:
        try:
            await asyncio.sleep(30)
        finally:
            cancelled.set()

    with pytest.raises(HoldExpired):
        await hold(hangs, 0.05, lambda _error: None, "no flush")
    assert cancelled.is_set()


async def test_a_bug_is_raised_at_once() -> None:
    work = Work(KeyError("slug"))
    with pytest.raises(KeyError):
        await work.hold(5)
    assert work.failures == []


def lease(slots: SlotsInMemory, registry: Registry | None = None) -> SlotLease:
    return SlotLease(slots, CounterMetrics(registry or new_registry()))


async def test_a_lease_asks_for_the_slot_that_it_holds() -> None:
    slots, registry = SlotsInMemory(), new_registry()
    slots.leases = dict.fromkeys(range(3), ("another", 1000.0))
    one = lease(slots, registry)
    found = []
    for _ in range(3):
        await one.renew()
        found.append(one.slot())
        if len(found) == 2:  # the lease had ended, and others were quicker
            slots.leases[3] = slots.leases[4] = "another", 1000.0
    assert found == [3, 3, 5]
    assert slots.queries("lease") == [NO_SLOT, 3, 3]
    assert registry.get_sample_value("luotdoc_slot") == 5


async def test_a_failed_renewal_keeps_the_slot_until_the_lease_has_expired(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slots = SlotsInMemory()
    one = lease(slots)
    await one.renew()
    slots.away = True
    with pytest.raises(Transient):
        await one.renew()
    assert {one.slot() for _ in range(500)} == {0}
    monkeypatch.setattr("services.counter.lease.LEASE_SECONDS", -1)
    with pytest.raises(Transient):
        await one.renew()
    assert {one.slot() for _ in range(500)} == set(range(SLOTS))  # any, so that counting goes on


async def test_a_released_slot_is_another_s() -> None:
    slots = SlotsInMemory()
    one = lease(slots)
    await one.renew()
    await one.release()
    assert slots.leases == {}
