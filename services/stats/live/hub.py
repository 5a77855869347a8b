"""Sends the live figures to all listeners.

One frame is encoded once and written to each of its listeners past ASGI
(`shared.web.uvicorn_protocol`). A listener whose last frame is still on its way is passed over, and
gets the newest figures once it has taken that one: the latest wins, and nothing piles up. One that
takes nothing for `SLOW_SECONDS` is dropped.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable
from itertools import islice

from luotdoc_events.events import ReadsCounted
from luotdoc_subscriber.subscribing import Event
from services.stats.answers import Site
from services.stats.live.frames import LiveFigures, SiteNow
from services.stats.live.listener import CHUNK_OF_HEARTBEAT, Listener, chunk
from services.stats.live.metrics import LiveMetrics
from services.stats.live.places import ListenerPlaces, no_place
from services.stats.traffic.windows import CALENDAR
from shared.base.errors import Problem
from shared.storage.counts import Total

STEP_SECONDS = 0.05
LOOK_SECONDS = 0.1
FRAME_GAP_SECONDS = 0.25
"""Least time between two frames of a listener; a counter flushes each 0.4 s."""
SITE_GAP_SECONDS = 0.5
"""Time after a frame in which new figures of the site wait for new reads, with which they come.
They are made a moment after the reads: frames of their own would double what is sent, and the next
reads would wait for the end of their rest."""
REST = 4.0
"""The frames rest at least so many times the CPU time that the last ones took, so that they use a
fifth of a core at most. The time on a clock would count what other processes took, and make pages
wait on a busy machine."""
SITE_SECONDS = 5.0
"""Time after which listeners that name articles get new figures of the site, if their articles have
not changed before: then they come with those, or as soon as they have those reads."""
CHECK_SECONDS = 1.0
HEARTBEAT_SECONDS = 15.0
"""Time without a frame after which a comment is sent, so that no gateway takes the connection for
an idle one."""
SLOW_SECONDS = 10.0
"""Time for which a frame may wait in this process, because the system takes no more for the
client."""
SILENT_SECONDS = 30.0
"""Time after which a client is dropped whose system confirms no more bytes, although some are on
their way: it reads nothing, is gone, or is in a long tunnel."""
RELOAD_SECONDS = 30.0
"""Interval at which the reads of listeners' articles are read again, because an event may have been
missed."""
AT_ONCE = 100
"""Listeners that are served in a turn of the loop; then other requests have theirs."""
LOADED_AT_ONCE = 1000

Reads = Callable[[Collection[str]], Awaitable[dict[str, tuple[int, Total]]]]
"""Reads (baseline, counted reads) of articles from the database."""


class Hub:
    """The listeners of a process, and the figures that they follow. `site` answers the site's
    figures.
    """

    def __init__(
        self,
        *,
        figures: LiveFigures,
        site: Callable[[], Awaitable[Site]],
        reads: Reads,
        places: ListenerPlaces,
        metrics: LiveMetrics,
        seconds: Callable[[], float] = time.monotonic,
        cpu: Callable[[], float] = time.thread_time,
    ) -> None:
        self.figures, self._site, self._reads = figures, site, reads
        self._places, self._metrics = places, metrics
        self._seconds, self._cpu = seconds, cpu
        self._listeners: dict[Listener, None] = {}
        self._waiting: dict[Listener, None] = {}
        """Listeners that lack figures which others have: new ones, and those that are behind."""
        self._loaded: set[str] = set()
        """Articles that were looked for in the database; `_wanted` are still to be."""
        self._wanted: set[str] = set()
        self._of_everything = 0
        """Listeners that name no article."""
        self._turned = self._site_told = self._checked = self._reloaded = -RELOAD_SECONDS
        self._took = 0.0
        self._ending: asyncio.Task[None] | None = None
        metrics.listeners.set_function(lambda: len(self._listeners))

    async def handle(self, event: Event[ReadsCounted]) -> None:
        """Take the totals of an event, the most read last: a frame has the last ones."""
        for count in sorted(event.data.items, key=lambda each: each.delta):
            self.figures.note(count.article, count.total, count.generation)

    def admit(self, address: bytes) -> None:
        """Take a place for a listener at `address`. Raises `Problem` 503 if there is none."""
        if self._ending:
            raise self._refusal("stopping", "this server stops, try again", 1)
        if lacks := self._places.take(address):
            whose = "from your address" if lacks == "address" else "there"
            raise self._refusal(lacks, f"too many listeners are {whose}, try again")

    def _refusal(self, reason: str, detail: str, retry_after: int | None = None) -> Problem:
        self._metrics.refused.labels(reason).inc()
        return no_place(detail, retry_after) if retry_after else no_place(detail)

    def refuse_full(self) -> Problem:
        """The refusal of a listener that was admitted, but whose connection finds no room."""
        return self._refusal("full", "too many listeners are there, try again")

    def join(self, listener: Listener) -> None:
        """Send frames to `listener` from now on."""
        listener.written_at = listener.confirmed_at = self._seconds()
        self._listeners[listener] = self._waiting[listener] = None
        self._wanted.update(each for each in listener.articles if each not in self._loaded)
        self._of_everything += not listener.articles

    def leave(self, listener: Listener | None, address: bytes) -> None:
        """Give the place of a listener at `address` back; it is None if it never joined."""
        self._places.free(address)
        if listener is not None and listener in self._listeners:
            del self._listeners[listener]
            self._waiting.pop(listener, None)
            self._of_everything -= not listener.articles
            self._metrics.ended.labels(listener.ended or "left").inc()

    def end(self) -> None:
        """Begin to stop: end all streams, a few in a turn, and take no more listeners."""
        if self._ending is None:
            self._ending = asyncio.get_running_loop().create_task(self._end_all())

    async def _end_all(self) -> None:
        async for listener in _in_turns(list(self._listeners)):
            listener.end("stop")

    async def look(self) -> None:
        """Read what listeners need from the database. Call it each `LOOK_SECONDS`."""
        if not self._listeners:
            return
        await self._load()
        site = await self._site()
        periods = {name: getattr(site, name) for name in CALENDAR}
        self.figures.note_site(
            SiteNow(site.total, periods, site.online, site.as_of, site.generation, site.baseline)
        )

    async def _load(self) -> None:
        now = self._seconds()
        if now - self._reloaded >= RELOAD_SECONDS:
            self._reloaded = now
            self._wanted = {each for listener in self._listeners for each in listener.articles}
            self._loaded &= self._wanted
        if self._of_everything:
            lacking = self.figures.lacking()
            self._wanted.update(each for each in lacking if each not in self._loaded)
        if chosen := list(islice(self._wanted, LOADED_AT_ONCE)):
            for article, (baseline, counted) in (await self._reads(chosen)).items():
                self.figures.know(article, baseline, counted.reads, counted.generation)
            self._loaded.update(chosen)
            self._wanted.difference_update(chosen)

    async def step(self) -> None:
        """Send what is new, and look after the listeners. Call it each `STEP_SECONDS`."""
        now = self._seconds()
        rested = now - self._turned
        if rested >= max(FRAME_GAP_SECONDS, REST * self._took):
            site = now - self._site_told >= SITE_SECONDS
            if self.figures.turn(site=rested >= SITE_GAP_SECONDS) or site:
                self._turned, began = now, self._cpu()
                if site:
                    self._site_told = now
                await self._tell(list(self._listeners), site=site)
                self._took = self._cpu() - began
        if self._waiting:
            await self._tell(list(self._waiting), site=True)
        if now - self._checked >= CHECK_SECONDS:
            self._checked = now
            await self._check(now)

    async def _tell(self, listeners: Iterable[Listener], *, site: bool) -> None:
        made: dict[tuple[tuple[str, ...], int], bytes] = {}
        written = 0
        async for listener in _in_turns(listeners):
            if listener not in self._listeners or not self._is_ready(listener):
                continue
            if listener.is_behind():
                self._waiting[listener] = None
                continue
            self._waiting.pop(listener, None)
            articles, seen = listener.articles, listener.seen
            tells_site = site or listener.owed or not articles
            if not self.figures.has_news(articles, seen, site=tells_site):
                continue
            if (frame := made.get((articles, seen))) is None:
                frame = made[articles, seen] = chunk(self.figures.frame(articles, seen))
            listener.write(frame, self.figures.version, self._seconds())
            listener.owed = self.figures.has_news(articles, seen, site=False)
            written += 1
        self._metrics.frames.inc(written)
        self._metrics.encoded.inc(len(made))

    def _is_ready(self, listener: Listener) -> bool:
        return self.figures.site is not None and self._loaded.issuperset(listener.articles)

    async def _check(self, now: float) -> None:
        """Drop slow listeners; send a comment to those that got nothing for a while."""
        async for listener in _in_turns(list(self._listeners)):
            quiet = now - listener.written_at
            if listener.is_slow(now, SLOW_SECONDS) or listener.is_silent(now, SILENT_SECONDS):
                listener.drop()
            elif quiet >= HEARTBEAT_SECONDS and not listener.answer.unconfirmed():
                listener.write(CHUNK_OF_HEARTBEAT, listener.seen, now)


async def _in_turns(listeners: Iterable[Listener]) -> AsyncIterator[Listener]:
    for number, listener in enumerate(listeners, 1):
        yield listener
        if number % AT_ONCE == 0:
            await asyncio.sleep(0)
