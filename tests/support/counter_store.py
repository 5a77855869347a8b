"""The counter's slots in memory, and the contract that they and the real store pass."""

import asyncio

from services.counter.store import LEASE_SECONDS, NO_SLOT, SLOTS, CounterStore
from tests.support.faulty import Faulty


class SlotsInMemory(Faulty, CounterStore):
    """The leases of `CounterStore` without MongoDB."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0.0
        self.leases: dict[int, tuple[str, float]] = {}
        """The owner of each slot, and the second at which its lease ends."""

    async def lease(self, owner: str, held: int) -> int:
        """As the real one."""
        await self.answer("lease", held)
        order = [held] if held != NO_SLOT else []
        for slot in [*order, *(slot for slot in range(SLOTS) if slot != held)]:
            holder, until = self.leases.get(slot, ("", float("-inf")))
            if holder == owner or until < self.seconds:
                self.leases[slot] = owner, self.seconds + LEASE_SECONDS
                return slot
        return NO_SLOT

    async def release(self, owner: str) -> None:
        """As the real one."""
        await self.answer("release", owner)
        self.leases = {slot: held for slot, held in self.leases.items() if held[0] != owner}


class SlotsContract:
    """What leases do. A subclass has the fixture `store`, without leases, and lets time pass."""

    async def later(self, store: CounterStore, seconds: float) -> None:
        """Let some seconds pass."""
        raise NotImplementedError

    async def test_each_counter_has_a_slot_of_its_own_until_none_is_left(
        self, store: CounterStore
    ) -> None:
        owners = [f"counter {number}" for number in range(SLOTS)]
        found = await asyncio.gather(*(store.lease(owner, NO_SLOT) for owner in owners))
        assert sorted(found) == [*range(SLOTS)]
        assert await store.lease("another", NO_SLOT) == NO_SLOT

    async def test_a_renewed_lease_is_on_the_slot_that_is_held(self, store: CounterStore) -> None:
        assert await store.lease("a", NO_SLOT) == 0
        assert await store.lease("b", NO_SLOT) == 1
        assert await store.lease("b", 1) == 1
        assert await store.lease("c", 5) == 5

    async def test_a_slot_whose_lease_has_ended_is_free(self, store: CounterStore) -> None:
        await store.lease("a", NO_SLOT)
        await self.later(store, LEASE_SECONDS - 5)
        assert await store.lease("b", 0) == 1
        await self.later(store, 10)
        assert await store.lease("c", NO_SLOT) == 0
        assert await store.lease("a", 0) == 2  # it was another's meanwhile

    async def test_a_renewal_begins_the_lease_anew(self, store: CounterStore) -> None:
        await store.lease("a", NO_SLOT)
        await self.later(store, LEASE_SECONDS - 5)
        await store.lease("a", 0)
        await self.later(store, 10)
        assert await store.lease("b", 0) == 1

    async def test_a_released_slot_is_free(self, store: CounterStore) -> None:
        await store.lease("a", NO_SLOT)
        await store.lease("b", NO_SLOT)
        await store.release("a")
        await store.release("unknown")
        assert await store.lease("c", 1) == 0
