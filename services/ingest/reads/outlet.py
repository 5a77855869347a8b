"""Makes batches durable: by RabbitMQ's confirm, else in the spool, which is forwarded later.

While the spool can't be used, only the confirm makes a batch durable.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from aio_pika.exceptions import DeliveryError

from luotdoc_subscriber.base.clock import Clock, to_millis
from luotdoc_subscriber.base.errors import Transient
from luotdoc_subscriber.base.tasks import supervised
from services.ingest.metrics import IngestMetrics
from services.ingest.reads.spool import Spool, SpoolRefused, SpoolUnusable
from shared.rabbit.batch import Batch

log = logging.getLogger(__name__)

PublishBatch = Callable[[Batch], Awaitable[None]]
"""Returns after the publisher confirm.
Raises `Transient`, or aio-pika's `DeliveryError` if no queue is bound."""

FORWARD_AT_ONCE = 20
"""Number of spooled batches in flight while the spool is forwarded."""
PROBE_SECONDS = 0.5
"""Interval of attempts to publish while RabbitMQ is away."""
CHECK_SECONDS = 2.0
"""Interval of checks whether the spool can be used."""
DISK_SECONDS = 5.0
"""Timeout for a write to the spool; a slower disk is treated as unusable."""
OPEN_SECONDS = 60.0
"""Timeout for opening the spool, which reads all its segments."""
BESIDE_SECONDS = 5.0
"""Interval of measuring other instances' spools."""

T = TypeVar("T")


class Outlet:
    """Delivers batches until they are durable.
    After a failed confirm, batches go straight to the spool.
    """

    def __init__(
        self, *, publish: PublishBatch, spool: Spool, clock: Clock, metrics: IngestMetrics
    ) -> None:
        self._publish, self._spool, self._clock, self._metrics = publish, spool, clock, metrics
        # One thread, because the spool's methods must be called one at a time.
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="spool")
        self._away = False
        self._spooled = asyncio.Event()
        self._told_trouble = False
        self.refusing: str | None = None
        """The reason why the last batch could be stored
        neither in RabbitMQ nor in the spool; None if it was."""

    async def open(self) -> None:
        """Lock the spool and find its segments.
        Raises `SpoolLocked`. An unusable spool is no error.
        """
        with contextlib.suppress(SpoolUnusable):
            await self._on_disk(self._spool.open)
        self._tell()
        if self._spool.bytes:
            log.info("%d bytes of spooled batches wait to be forwarded", self._spool.bytes)
            self._spooled.set()
        if orphans := await self._on_disk(self._spool.orphans):
            names = ", ".join(sorted(orphans))
            log.warning(
                "%d bytes are in the spools of %s; whichever does not run: `python -m "
                "services.ingest adopt INSTANCE`",
                sum(orphans.values()),
                names,
            )
        self._measure()

    async def close(self) -> None:
        """Close the spool. The next process of this instance forwards its batches."""
        with contextlib.suppress(SpoolUnusable):  # the disk does not answer
            await self._on_disk(self._spool.close)
        self._disk.shutdown(wait=False, cancel_futures=True)

    @property
    def degraded(self) -> str | None:
        """The spool's fault, for `/readyz`, while reads can still be stored; None if it works."""
        if trouble := self._spool.trouble:
            return (
                f"the spool cannot be used, reads are stored by RabbitMQ's confirm alone: {trouble}"
            )
        if unreadable := self._spool.unreadable:
            return (
                "segments of the spool cannot be read: "
                f"{', '.join(sorted(path.name for path in unreadable))}"
            )
        return None

    async def deliver(self, batch: Batch) -> None:
        """Return once `batch` is durable.
        Raises `SpoolRefused` if neither RabbitMQ nor the spool stored it.
        """
        if not self._away:
            try:
                await self._confirmed(batch)
            except (Transient, DeliveryError) as error:
                self._away = True
                log.warning("RabbitMQ does not take batches, they go to the spool: %s", error)
            else:
                self._metrics.batches.labels("confirmed").inc()
                self.refusing = None
                return
        try:
            await self._on_disk(self._spool.append, batch)
        except SpoolRefused as error:
            if not self._spool.bytes:
                self._away = False  # no spooled batch probes RabbitMQ, so the next batch must
            self.refusing = f"RabbitMQ takes no batches, and neither does the spool: {error}"
            self._tell()
            raise
        self.refusing = None
        self._metrics.batches.labels("spooled").inc()
        self._spooled.set()
        self._measure()

    async def run(self) -> None:
        """For ever: forward the spool when it contains batches."""
        await supervised("the forwarding of the spool", self._forward_all, PROBE_SECONDS)

    async def _forward_all(self) -> bool:
        """Wait for spooled batches and forward them all. True: don't wait before the next ones."""
        await self._spooled.wait()
        self._spooled.clear()
        try:
            while segments := await self._on_disk(self._spool.segments):
                for segment in segments:
                    await self._forward(segment)
        except (Transient, DeliveryError) as error:
            self._away = True
            self._spooled.set()
            raise Transient(str(error)) from error
        finally:
            self._measure()
        return True

    async def check(self) -> None:
        """For ever: check whether the spool can be used, and use it again once it can."""
        await supervised("the check of the spool", self._check, CHECK_SECONDS)

    async def _check(self) -> None:
        with contextlib.suppress(SpoolUnusable):
            await self._on_disk(self._spool.check)
        if self._spool.bytes:
            self._spooled.set()
        self._tell()
        self._measure()

    def _tell(self) -> None:
        """Update the metric of the spool's state, and log a change."""
        trouble = self._spool.trouble
        self._metrics.spool_usable.set(not trouble)
        if trouble and not self._told_trouble:
            log.error(
                "the spool cannot be used, reads are stored by RabbitMQ's confirm alone: %s",
                trouble,
            )
        elif self._told_trouble and not trouble:
            log.warning("the spool can be used again")
        self._told_trouble = bool(trouble)

    async def look_beside(self) -> None:
        """For ever: measure the spools of other instances in the same directory."""
        await supervised("the look at other spools", self._look_beside, BESIDE_SECONDS)

    async def _look_beside(self) -> None:
        with contextlib.suppress(SpoolUnusable):
            self._metrics.spool_beside.set(sum((await self._on_disk(self._spool.orphans)).values()))

    async def _forward(self, segment: Path) -> None:
        batches = await self._on_disk(self._spool.read, segment)
        # The first batch alone shows whether RabbitMQ is back.
        # Without this twenty wait for a frozen one.
        for batch in batches[:1]:
            await self._confirmed(batch)
        if self._away and batches:
            self._away, self.refusing = False, None
            log.info("RabbitMQ takes batches again, the spool is forwarded")
        for at in range(1, len(batches), FORWARD_AT_ONCE):
            outcomes = await asyncio.gather(
                *(self._confirmed(batch) for batch in batches[at : at + FORWARD_AT_ONCE]),
                return_exceptions=True,
            )
            for outcome in outcomes:
                if outcome is not None:
                    raise outcome
        await self._on_disk(self._spool.forget, segment)
        self._metrics.spool_forwarded.inc(len(batches))
        self._measure()

    async def _confirmed(self, batch: Batch) -> None:
        started = time.perf_counter()
        await self._publish(batch)
        self._metrics.confirm_seconds.observe(time.perf_counter() - started)

    def _measure(self) -> None:
        self._metrics.spool_bytes.set(self._spool.bytes)
        oldest = self._spool.oldest_minted_at
        age = (to_millis(self._clock()) - oldest) / 1000 if oldest is not None else 0.0
        self._metrics.spool_oldest.set(max(0.0, age))

    async def _on_disk(self, call: Callable[..., T], *arguments: object) -> T:
        # After a timeout the call goes on in its thread,
        # so a refused batch may be written later, under the same id.
        running = asyncio.get_running_loop().run_in_executor(self._disk, lambda: call(*arguments))
        try:
            async with asyncio.timeout(OPEN_SECONDS if call == self._spool.open else DISK_SECONDS):
                return await running
        except TimeoutError as error:
            raise SpoolUnusable("the spool's disk does not answer") from error
