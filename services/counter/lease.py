"""The lease on a slot, which keeps two counters from writing the same documents."""

import logging
import secrets
import time

from luotdoc_subscriber.base.tasks import supervised
from services.counter.metrics import CounterMetrics
from services.counter.store import LEASE_SECONDS, NO_SLOT, SLOTS, CounterStore

log = logging.getLogger(__name__)


class SlotLease:
    """Leases a slot for one counter, and renews the lease."""

    def __init__(self, store: CounterStore, metrics: CounterMetrics) -> None:
        self._store, self._metrics = store, metrics
        self._owner = secrets.token_hex(8)
        self._slot = NO_SLOT
        self._renewed = float("-inf")

    @property
    def silence(self) -> float:
        """Seconds since MongoDB last answered a renewal."""
        return time.monotonic() - self._renewed

    def slot(self) -> int:
        """The leased slot. Without a lease, a random slot: that may cause write conflicts, but no
        wrong count.
        """
        return self._slot if self._slot != NO_SLOT else secrets.randbelow(SLOTS)

    async def renew(self) -> None:
        """Renew the lease, or lease a free slot. Raises `Transient`."""
        try:
            slot = await self._store.lease(self._owner, self._slot)
        except Exception:
            if self.silence > LEASE_SECONDS:
                self._note(NO_SLOT)  # another counter may have leased it since
            raise
        if slot != self._slot:
            log.info("counting under slot %d", slot)
        self._renewed = time.monotonic()
        self._note(slot)

    async def run(self) -> None:
        """For ever: renew the lease."""
        await supervised("the renewal of the slot's lease", self.renew, LEASE_SECONDS / 3)

    async def release(self) -> None:
        """Release the slot. Raises `Transient`."""
        await self._store.release(self._owner)

    def _note(self, slot: int) -> None:
        self._slot = slot
        self._metrics.slot.set(slot)
