"""The steps that a read goes through, in one list, on the fast path and through ASGI alike.

Each step may drop the read with a reason. The last one adds it to a batch.
"""

import math
from asyncio import Future
from collections.abc import Callable, Collection

from services.ingest.reads.agents import Agent, agent_of
from services.ingest.reads.batcher import Batcher
from services.ingest.reads.grouping import ReadSource
from services.ingest.reads.known import KnownArticles
from services.ingest.reads.limit import ReadLimit
from services.ingest.reads.referrers import Referrers
from services.ingest.reads.signs import read_signs
from services.ingest.reads.visitors import ReloadWindow, visitor
from shared.base.errors import Problem
from shared.rabbit.batch import BOT, NO_REFERRER, RELOAD
from shared.web.addresses import Addresses
from shared.web.headers import RawHeaders

UNKNOWN, LIMIT = "unknown", "limit"
"""Reasons to drop a read. The others are `BOT`, `RELOAD`, and those of `signs`."""

SaltSource = Callable[[], tuple[int, bytes, bytes | None]]
"""Answers (day since 1970, its salt, the previous day's salt during one window after the turn)."""


class IncomingRead:
    """A read on its way through the steps, which fill in what they find."""

    __slots__ = (
        "address",
        "agent",
        "article",
        "earlier",
        "headers",
        "judged",
        "key",
        "peer",
        "private",
        "reason",
        "referrer",
        "salt_day",
        "source",
        "visitor",
        "wait",
    )

    def __init__(self, article: str, referrer: str | None, peer: str, headers: RawHeaders) -> None:
        self.article, self.referrer, self.peer, self.headers = article, referrer, peer, headers
        self.address = b""
        """The part of the address that identifies the reader."""
        self.agent = b""
        self.private = False
        """True if the reader's browser sends `Sec-GPC: 1`."""
        self.judged: Agent | None = None
        """What is kept of the agent; None while programs are not filtered."""
        self.salt_day, self.visitor, self.key = 0, "", ""
        """The key in the reload window is visitor and article."""
        self.earlier = ""
        """A bot under the previous salt, while visitors are looked for under both."""
        self.source: ReadSource = None
        self.reason = ""
        """The reason to drop the read; "" if it counts."""
        self.wait = 0.0
        """Seconds until the address may send a read again, if the reason is `limit`."""


PipelineStep = Callable[[IncomingRead], Future[str] | None]
"""Answers None if the next step shall judge the read, or the outcome of the batch that it waits
for. A step that drops the read sets its reason."""


class Pipeline:
    """The steps, as the settings choose them."""

    def __init__(
        self,
        *,
        batcher: Batcher,
        known: KnownArticles,
        limit: ReadLimit,
        origins: Collection[str],
        filter_bots: bool,
        addresses: Addresses,
        window: ReloadWindow,
        salts: SaltSource,
        referrers: Referrers,
    ) -> None:
        self._batcher, self._known, self._limit, self._origins = batcher, known, limit, origins
        self._addresses, self._window, self._salts = addresses, window, salts
        self._referrers = referrers
        chosen = (
            (True, self.known),
            (True, self.address),
            (bool(limit.per_minute), self.limit),
            (True, self.signs),
            (filter_bots, self.bot),
            (bool(window.window), self.reload_window),
            (True, self.source),
            (True, self.batch),
        )
        self.steps: tuple[PipelineStep, ...] = tuple(step for wanted, step in chosen if wanted)

    def judge(self, read: IncomingRead) -> Future[str] | None:
        """Take the read through the steps. Raises `Unavailable` if no batch takes it.

        None: it is dropped for `read.reason`, now. Else the batch's future, whose result is the
        batch's id once it is durable. If the read has a reason then, it is a reload of a read in
        that batch: dropped if the batch becomes durable.
        """
        for step in self.steps:
            outcome = step(read)
            if outcome is not None:
                return outcome
            if read.reason:
                if read.reason != UNKNOWN:
                    self._batcher.filtered(
                        read.reason, read.article, read.judged, (read.visitor, read.earlier)
                    )
                return None
        raise AssertionError("the last step answers a future")

    def known(self, read: IncomingRead) -> None:
        """Drop reads of articles that are not public, as far as this process knows."""
        if read.article not in self._known:
            read.reason = UNKNOWN

    def address(self, read: IncomingRead) -> None:
        """Find the reader's address."""
        read.address = self._addresses.reader(read.peer, read.headers)

    def limit(self, read: IncomingRead) -> None:
        """Drop reads of an address over its limit."""
        read.wait = self._limit.wait(read.address)
        if read.wait:
            read.reason = LIMIT

    def signs(self, read: IncomingRead) -> None:
        """Drop prefetches, and reads from other sites' pages."""
        read.agent, read.reason, read.private = read_signs(read.headers, self._origins)

    def bot(self, read: IncomingRead) -> None:
        """Drop programs' reads. If a later rule takes the program for a person, a recount needs its
        visitor, to find its reloads.
        """
        read.judged = agent_of(read.agent)
        if read.judged.bot:
            read.reason = BOT
            if self._window.window and not read.private:
                read.salt_day, salt, before = self._salts()
                read.visitor = visitor(salt, read.address, read.agent)
                if before is not None:
                    read.earlier = visitor(before, read.address, read.agent)

    def reload_window(self, read: IncomingRead) -> Future[str] | None:
        """Drop a visitor's second read of an article; if the first is in flight, wait for it."""
        read.salt_day, salt, before = self._salts()
        read.visitor = visitor(salt, read.address, read.agent)
        read.key = read.visitor + read.article
        if before is not None:
            # Under the previous salt the visitor had another hash.
            earlier = visitor(before, read.address, read.agent) + read.article
            if self._window.holds(earlier) or self._window.pending(earlier) is not None:
                read.key = earlier
        if self._window.holds(read.key):
            read.reason = RELOAD
            return None
        pending = self._window.pending(read.key)
        if pending is not None:
            read.reason = RELOAD
        return pending

    def source(self, read: IncomingRead) -> None:
        """Find where the reader came from, and on what kind of device. A request without a
        referrer, such as that of a page's picture, says nothing about the first.
        """
        agent = read.judged or agent_of(read.agent)
        came_from = NO_REFERRER
        if read.referrer is not None:
            came_from = self._referrers.class_of(read.referrer, agent.social_app)
        if read.judged:
            read.source = came_from, agent.device, agent
        else:  # without the filter no read is judged by its agent, nor by a recount
            read.source = came_from, agent.device

    def batch(self, read: IncomingRead) -> Future[str]:
        """Add the read to a batch. It enters the window once the batch is durable. The visitor of a
        private read stays in this process: it is counted, but is no unique reader, nor online.
        """
        day, known = (0, "") if read.private else (read.salt_day, read.visitor)
        outcome = self._batcher.add(read.article, day, known, read.source)
        if read.key:
            self._window.begin(read.key, outcome)
        return outcome

    def note_reload(self, read: IncomingRead) -> None:
        """Account for a reload whose first read has become durable."""
        self._batcher.filtered(RELOAD, read.article, read.judged)


def too_many(wait: float) -> Problem:
    """The answer to a read over the limit: 429, `wait` seconds until the next one is allowed."""
    headers = [("retry-after", str(max(1, math.ceil(round(wait, 2)))))]
    return Problem(429, "too many reads from this address, try again later", headers=headers)
