"""Group commit: reads that arrive together become one batch, and are answered once it is durable.

Each batch costs a publish and a ledger entry, so a process sends at most 200 a second on average:
one each 5 ms, with up to two in flight. A quiet time saves an allowance of batches. While it lasts,
a read that finds no batch in flight is sent without the 5 ms.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from luotdoc_subscriber.base.errors import LuotdocError
from services.ingest.metrics import IngestMetrics
from services.ingest.reads.agent_notes import AgentNotes
from services.ingest.reads.agents import Agent
from services.ingest.reads.grouping import BatchedRead, ReadSource, grouped
from shared.base.errors import Unavailable
from shared.rabbit.batch import BOT, NO_ARTICLE, QUARTER_MS, RELOAD, Batch, batch_id

log = logging.getLogger(__name__)

GAP_SECONDS = 0.005
BURST = 48_000
"""Upper bound for the allowance of batches that a quiet time saves: four minutes' worth."""
IN_FLIGHT = 2
MAX_BATCH = 5_000
"""Upper bound for reads in a batch: about 80 KB, or 350 KB if each is of another article."""
MAX_NAMED = 10_000
"""Upper bound for sums of filtered reads, by class, article and quarter of an hour: about 3 MB.
Each batch takes them all, so they grow only while no batch can be sent. Reads beyond the bound are
added up without their article."""
MAX_GATHERED = 10
"""Upper bound for full batches that wait to be sent; more reads are answered 503."""
IDLE_SECONDS = 1.0
"""After so long without a batch an empty one is sent,
so that the counter knows that no read is missing."""
DELIVERY_RETRY_SECONDS = 0.5
MAX_TRACED = 8
"""Upper bound for traced reads in a batch. It bounds the cost of tracing, whatever is sampled."""

Deliver = Callable[[Batch], Awaitable[None]]
"""Returns once the batch is durable. Raises `LuotdocError` if it could not be made durable."""


@dataclass
class _Gathering:
    reads: list[BatchedRead] = field(default_factory=list)
    traces: list[str] = field(default_factory=list)
    durable: asyncio.Future[str] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class Batcher:
    """Gathers reads into batches, numbers these without gaps within one epoch,
    and delivers each until it is durable.
    """

    def __init__(
        self,
        *,
        epoch: str,
        deliver: Deliver,
        millis: Callable[[], int],
        metrics: IngestMetrics,
        burst: int = BURST,
        window: int = 0,
    ) -> None:
        """`window` is the reload window in seconds, of which batches tell a recount."""
        self._epoch, self._deliver, self._millis, self._metrics = epoch, deliver, millis, metrics
        self._burst = self._allowance = float(burst)
        self._sequence = 0
        self._gathered: deque[_Gathering] = deque()
        self._filtered: dict[tuple[str, str, int], int] = {}
        self._notes = AgentNotes(time.monotonic, window)
        self._in_flight: set[asyncio.Task[None]] = set()
        self._stuck = 0
        self._draining = False
        self._last_sent = -IDLE_SECONDS
        self._timer: asyncio.Handle | None = None

    def add(
        self, article: str, salt_day: int, visitor: str, source: ReadSource = None
    ) -> asyncio.Future[str]:
        """Add a read. `visitor` has 16 hex digits, and `salt_day` is the day of its salt;
        or they are "" and 0. `source`: its referrer's class, its device's and its agent.

        The future's result is the batch's id once it is durable; it fails with `Unavailable`.

        Raises `Unavailable` at once if no batch can be sent, too many reads wait,
        or `drain` has begun.
        """
        if self._draining:
            raise Unavailable("ingest is stopping")
        if self._stuck >= IN_FLIGHT:
            raise Unavailable("reads can be stored neither at the broker nor on disk")
        if not self._gathered or len(self._gathered[-1].reads) >= MAX_BATCH:
            if len(self._gathered) >= MAX_GATHERED:
                raise Unavailable("too many reads wait to be stored")
            self._gathered.append(_Gathering())
        gathering = self._gathered[-1]
        gathering.reads.append((article, self._millis(), salt_day, visitor, source))
        if self._timer is None and len(self._in_flight) < IN_FLIGHT:
            self._schedule()
        return gathering.durable

    def trace(self, traceparent: str) -> bool:
        """Note that the read that was just added belongs to a trace. False if its batch has
        `MAX_TRACED` of them.
        """
        traces = self._gathered[-1].traces
        if len(traces) >= MAX_TRACED:
            return False
        traces.append(traceparent)
        return True

    def filtered(
        self,
        reason: str,
        article: str,
        agent: Agent | None = None,
        visitors: tuple[str, str] = ("", ""),
    ) -> None:
        """Add a filtered read to the next batch.

        `agent` is that of a bot or a reload, `visitors` a bot's hashes under the salts of today
        and of the day before; a recount judges these reads again.
        """
        millis = self._millis()
        quarter = millis // QUARTER_MS
        key = reason, article, quarter
        number = self._filtered.get(key, 0)
        if not number and len(self._filtered) >= MAX_NAMED:
            key = reason, NO_ARTICLE, quarter
            number = self._filtered.get(key, 0)
        self._filtered[key] = number + 1
        if agent is None or key[1] == NO_ARTICLE:
            return
        if reason == RELOAD:
            self._notes.reload(key, agent)
        elif reason == BOT:
            self._notes.bot(key, agent, millis % QUARTER_MS // 1000, *visitors)

    async def run(self) -> None:
        """For ever: send an empty batch if none was sent for a second."""
        while True:
            await asyncio.sleep(IDLE_SECONDS / 4)
            idle = asyncio.get_running_loop().time() - self._last_sent >= IDLE_SECONDS
            if idle and not self._in_flight:
                self._send()

    async def drain(self) -> None:
        """Refuse further reads, send all gathered ones, and wait until every batch is durable."""
        self._draining = True
        while self._in_flight or self._gathered or self._filtered:
            if len(self._in_flight) < IN_FLIGHT and (self._gathered or self._filtered):
                self._send()
            else:
                await asyncio.wait(self._in_flight, return_when=asyncio.FIRST_COMPLETED)

    def _schedule(self) -> None:
        # `call_soon`, not now: reads that the event loop handles in this turn share the batch.
        if self._timer is not None:
            self._timer.cancel()
        at_once = not self._in_flight and self._allowed() >= 1
        if at_once:
            self._timer = asyncio.get_running_loop().call_soon(self._due)
        else:
            self._timer = asyncio.get_running_loop().call_at(
                self._last_sent + GAP_SECONDS, self._due
            )

    def _allowed(self) -> float:
        """Number of batches that may be sent without the 5 ms:
        the allowance saved so far, up to the burst.
        """
        saved = (asyncio.get_running_loop().time() - self._last_sent) / GAP_SECONDS
        return min(self._burst, self._allowance + saved)

    def _due(self) -> None:
        self._timer = None
        if self._gathered and len(self._in_flight) < IN_FLIGHT:
            self._send()

    def _send(self) -> None:
        gathering = self._gathered.popleft() if self._gathered else _Gathering()
        # `complete_through` rests on this: every read accepted before `minted_at` is in this batch
        # or an earlier one. So if reads already wait for the next batch, `minted_at` is the time of
        # the oldest of them.
        minted_at = self._gathered[0].reads[0][1] if self._gathered else self._millis()
        groups, hashes, sources, ordered = grouped(gathering.reads)
        agents = self._notes.part(ordered, [*self._filtered], len(groups))
        groups += [(*key, number, 0, 0) for key, number in self._filtered.items()]
        name = batch_id(self._epoch, self._sequence)
        batch = Batch(
            name, minted_at, groups, hashes, sources, agents=agents, traces=gathering.traces
        )
        self._filtered.clear()
        self._sequence += 1
        self._allowance = max(0.0, self._allowed() - 1)
        self._last_sent = asyncio.get_running_loop().time()
        task = asyncio.get_running_loop().create_task(self._see_through(batch, gathering.durable))
        self._in_flight.add(task)
        task.add_done_callback(self._done)

    async def _see_through(self, batch: Batch, durable: asyncio.Future[str]) -> None:
        failed = False
        while True:
            try:
                await self._deliver(batch)
            except LuotdocError as error:
                # Retried until it is durable:
                # its sequence number is in use, and it may have arrived.
                if not failed:
                    failed = True
                    self._stuck += 1
                    log.error("batch %s cannot be stored: %s", batch.batch_id, error)
                _refuse(durable, str(error))
                if self._stuck >= IN_FLIGHT:
                    # Waiting reads are in no numbered batch yet.
                    # Refuse them: it is not known when they could be sent.
                    while self._gathered:
                        _refuse(self._gathered.popleft().durable, str(error))
                await asyncio.sleep(DELIVERY_RETRY_SECONDS)
            except Exception:
                _refuse(durable, "a read could not be stored; it is logged")
                raise
            else:
                break
        self._stuck -= failed
        self._metrics.batch_size.observe(batch.reads)
        self._metrics.reads.labels("reader", "counted").inc(batch.reads)
        if not durable.done():
            durable.set_result(batch.batch_id)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._in_flight.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.critical("a batch was lost to a bug", exc_info=error)
        if self._gathered:
            self._schedule()


def _refuse(durable: asyncio.Future[str], why: str) -> None:
    if not durable.done():
        durable.set_exception(Unavailable(why))
        durable.exception()  # retrieved here, because all readers may have disconnected
