"""The sender of live figures: who gets which frame when, without sockets and without real time."""

import asyncio
from collections.abc import Collection
from typing import Any

import orjson
import pytest

from luotdoc_events import events
from luotdoc_subscriber.base.metrics import new_registry
from luotdoc_subscriber.decision import Event
from services.stats.answers import Site
from services.stats.live.frames import LiveFigures
from services.stats.live.hub import (
    AT_ONCE,
    FRAME_GAP_SECONDS,
    HEARTBEAT_SECONDS,
    RELOAD_SECONDS,
    REST,
    SILENT_SECONDS,
    SITE_GAP_SECONDS,
    SITE_SECONDS,
    SLOW_SECONDS,
    Hub,
)
from services.stats.live.listener import CHUNK_OF_HEARTBEAT, Listener
from services.stats.live.metrics import LiveMetrics
from services.stats.live.places import ListenerPlaces
from shared.base.errors import Problem
from shared.storage.counts import Total
from tests.support.page_figures import NO_READERS

HOME = b"home"


class Client:
    """A client's connection: what was written, and how much of it is still on its way."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.waits, self.lost, self.woken, self.aborts = 0, 0, False, 0
        self.deaf = False
        """True: its system takes everything and confirms nothing."""

    def write(self, chunk: bytes) -> None:
        assert self.aborts == 0
        self.written.append(chunk)
        self.lost += len(chunk) if self.deaf else 0

    def unsent(self) -> int:
        return self.waits

    def unconfirmed(self) -> int:
        return self.lost

    def wake(self) -> None:
        self.woken = True

    def abort(self) -> None:
        self.aborts += 1

    def take(self) -> list[dict[str, Any]]:
        """The data of the frames since the last call."""
        frames = []
        for chunk in self.written:
            size, _, rest = chunk.partition(b"\r\n")
            body = rest.removesuffix(b"\r\n")
            assert len(body) == int(size, 16)
            if chunk != CHUNK_OF_HEARTBEAT:
                frames.append(orjson.loads(body.decode().split("\n")[1].removeprefix("data: ")))
        self.written.clear()
        return frames


class Portal:
    """A hub with its clock, its database and its clients."""

    def __init__(self, most: int = 1000, of_address: int = 0) -> None:
        self.now, self.total, self.generation = 1000.0, 10, 0
        self.used = 0.0
        self.stored = {"a1": (0, 5), "a2": (100, 1)}
        self.asked: list[set[str]] = []
        self.registry = new_registry()
        self.hub = Hub(
            figures=LiveFigures("ab1"),
            site=self._site,
            reads=self._reads,
            places=ListenerPlaces(most, of_address),
            metrics=LiveMetrics(self.registry),
            seconds=lambda: self.now,
            cpu=lambda: self.used,
        )

    async def _site(self) -> Site:
        return Site(
            total=self.total, baseline=0, counted=self.total,
            generation=self.generation, today=1, yesterday=0, week=0, month=0, year=0,
            online=None, as_of="t", complete_through=None, since=None,
            readers=NO_READERS,
        )  # fmt: skip

    async def _reads(self, articles: Collection[str]) -> dict[str, tuple[int, Total]]:
        self.asked.append(set(articles))
        found = {each: self.stored[each] for each in articles if each in self.stored}
        return {each: (base, Total(0, reads)) for each, (base, reads) in found.items()}

    def listen(self, *articles: str, seen: int = -1, address: bytes = HOME) -> Client:
        client = Client()
        self.hub.admit(address)
        self.listener = Listener(client, articles, seen)
        self.hub.join(self.listener)
        return client

    async def count(self, **totals: int) -> None:
        """An event comes with the totals of articles."""
        items = [events.Count(article=name, delta=1, total=t) for name, t in totals.items()]
        await self.hub.handle(Event(events.ReadsCounted(items=items), None))  # type: ignore[arg-type]

    async def pass_time(
        self, seconds: float = FRAME_GAP_SECONDS, step: float = FRAME_GAP_SECONDS
    ) -> None:
        until = self.now + seconds
        while self.now < until:
            self.now = min(until, self.now + step)
            await self.hub.look()
            await self.hub.step()

    def counted(self, name: str, reason: str = "") -> float:
        """A counter of `LiveMetrics`."""
        labels = {"reason": reason} if reason else {}
        return self.registry.get_sample_value(f"luotdoc_live_{name}_total", labels) or 0.0


async def test_a_listener_gets_everything_at_once_and_then_what_changes() -> None:
    portal = Portal()
    page, everything = portal.listen("a2"), portal.listen()
    assert page.take() == everything.take() == []
    await portal.pass_time()
    (first,) = page.take()
    assert first["articles"] == {"a2": 101}
    assert first["site"]["total"] == 10
    assert [frame["site"]["total"] for frame in everything.take()] == [10]
    await portal.count(a2=2)
    portal.total = 11
    await portal.pass_time()
    assert [frame["articles"] for frame in page.take()] == [{"a2": 102}]
    assert [frame["articles"] for frame in everything.take()] == [{"a2": 102}]
    await portal.pass_time()
    assert page.take() == everything.take() == []


async def test_a_frame_waits_for_the_one_before_and_nothing_else() -> None:
    portal = Portal()
    page = portal.listen("a1")
    await portal.pass_time(1)
    page.take()
    await portal.count(a1=6)
    await portal.hub.step()
    assert [frame["articles"] for frame in page.take()] == [{"a1": 6}]
    for total in (7, 8, 9):
        await portal.count(a1=total)
        portal.now += FRAME_GAP_SECONDS / 4
        await portal.hub.step()
        assert page.take() == []
    portal.now += FRAME_GAP_SECONDS / 4
    await portal.hub.step()
    assert [frame["articles"] for frame in page.take()] == [{"a1": 9}]


async def test_the_site_alone_is_told_to_pages_of_articles_now_and_then() -> None:
    portal = Portal()
    page, everything = portal.listen("a1"), portal.listen()
    await portal.pass_time(SITE_SECONDS)
    portal.total += 1  # what the page is owed after its first frame
    await portal.pass_time(SITE_SECONDS)
    page.take()
    everything.take()
    for _ in range(int(SITE_SECONDS)):
        portal.total += 1
        await portal.pass_time(1)
    assert len(everything.take()) == SITE_SECONDS
    assert len(frames := page.take()) == 1
    assert frames[0].keys() == {"site"}


async def test_the_site_s_figures_follow_the_reads_of_a_page_s_own_article() -> None:
    """They are made a moment after the event with the article's total."""
    portal = Portal()
    page, other = portal.listen("a1"), portal.listen("a2")
    await portal.pass_time()
    portal.total += 1
    await portal.pass_time(SITE_GAP_SECONDS + FRAME_GAP_SECONDS)
    page.take()
    other.take()
    await portal.count(a1=6)
    await portal.pass_time()
    portal.total += 1
    await portal.pass_time(SITE_GAP_SECONDS + FRAME_GAP_SECONDS)
    portal.total += 1
    await portal.pass_time(SITE_GAP_SECONDS + FRAME_GAP_SECONDS)
    assert [frame.keys() for frame in page.take()] == [{"articles"}, {"site"}]
    assert other.take() == []


async def test_reads_that_keep_coming_bring_the_site_s_figures_and_wait_for_none() -> None:
    portal = Portal()
    page = portal.listen("a1")
    await portal.pass_time(1)
    page.take()
    for total in range(6, 10):
        await portal.count(a1=total)
        await portal.hub.step()
        assert [frame["articles"] for frame in page.take()] == [{"a1": total}]
        portal.total += 1
        portal.used += 0.4 / REST  # the frames' rest ends with the next reads
        await portal.pass_time(0.4, 0.05)
        assert page.take() == []
    await portal.count(a1=10)
    await portal.hub.step()
    (last,) = page.take()
    assert (last["articles"], last["site"]["total"]) == ({"a1": 10}, portal.total)


async def test_a_frame_is_encoded_once_for_all_who_lack_the_same() -> None:
    portal = Portal()
    clients = [portal.listen("a1") for _ in range(3 * AT_ONCE)]
    await portal.pass_time()
    assert portal.counted("encoded") == 1
    assert portal.counted("frames") == 3 * AT_ONCE
    assert len({id(client.written[0]) for client in clients}) == 1


async def test_a_listener_that_is_behind_gets_the_newest_figures_and_no_others() -> None:
    portal = Portal()
    page, other = portal.listen("a1"), portal.listen("a1")
    await portal.pass_time()
    page.take()
    other.take()
    page.waits = 200
    for total in (6, 7, 8):
        await portal.count(a1=total)
        await portal.pass_time()
    assert page.take() == []
    assert [frame["articles"]["a1"] for frame in other.take()] == [6, 7, 8]
    page.waits = 0
    await portal.hub.step()
    assert [frame["articles"]["a1"] for frame in page.take()] == [8]


async def test_a_listener_that_takes_nothing_is_dropped_and_counted() -> None:
    portal = Portal()
    page, other = portal.listen("a1"), portal.listen("a1")
    await portal.pass_time()
    page.waits = 1
    await portal.pass_time(SLOW_SECONDS)
    page.waits = 0  # it has read, in time
    await portal.pass_time(2)
    page.waits = 1
    await portal.pass_time(SLOW_SECONDS)
    assert page.aborts == 0
    await portal.pass_time(3)
    assert page.aborts >= 1
    assert other.aborts == 0


async def test_a_quiet_listener_gets_a_comment_and_one_that_confirms_nothing_is_dropped() -> None:
    portal = Portal()
    page, gone = portal.listen("a1"), portal.listen("a1")
    await portal.pass_time()
    gone.lost = 150
    page.take()
    gone.take()
    await portal.pass_time(HEARTBEAT_SECONDS + 1)
    assert page.written == [CHUNK_OF_HEARTBEAT]
    assert gone.written == []
    await portal.pass_time(SILENT_SECONDS - HEARTBEAT_SECONDS - 2)
    assert gone.aborts == 0
    await portal.pass_time(3)
    assert gone.aborts >= 1
    assert page.aborts == 0


async def test_one_that_is_sent_more_and_more_and_confirms_nothing_is_dropped() -> None:
    portal = Portal()
    deaf, far = portal.listen("a1"), portal.listen("a1")
    deaf.deaf = True
    seconds = 0
    while not deaf.aborts and seconds < 100:
        seconds += 1
        await portal.count(a1=10 + seconds)
        await portal.pass_time(1.0)
        far.lost = len(far.written[-1])  # the last frame is on its way, those before are not
    assert SILENT_SECONDS < seconds <= SILENT_SECONDS + 2
    assert far.aborts == 0


async def test_a_client_that_comes_back_gets_what_it_missed_in_one_frame() -> None:
    portal = Portal()
    portal.listen("a1", "a2")
    await portal.pass_time()
    version = portal.hub.figures.version
    back, same = portal.listen("a1", "a2", seen=version), portal.listen("a2", seen=version)
    for total in (6, 7):
        await portal.count(a1=total)
    await portal.pass_time()
    assert back.take() == [{"articles": {"a1": 7}}]
    assert same.take() == []


async def test_articles_are_looked_up_once_for_all_and_again_after_a_while() -> None:
    portal = Portal()
    for _ in range(50):
        portal.listen("a1", "a2")
    nobodys = portal.listen("unknown")
    await portal.pass_time(1)
    assert portal.asked == [{"a1", "a2", "unknown"}]
    assert [frame.keys() for frame in nobodys.take()] == [{"site"}]
    portal.stored["a1"] = (0, 50)  # and the event was lost
    await portal.pass_time(RELOAD_SECONDS + 1, step=1)
    assert len(portal.asked) == 2
    page = portal.listen("a1")
    await portal.pass_time()
    assert [frame["articles"] for frame in page.take()] == [{"a1": 50}]


async def test_a_changed_article_that_is_not_known_yet_is_looked_up_now_and_then() -> None:
    portal = Portal()
    everything = portal.listen()
    await portal.pass_time()
    everything.take()
    await portal.count(new=1)
    await portal.pass_time(5)
    assert portal.asked == [{"new"}]
    portal.stored["new"] = (0, 1)
    await portal.pass_time(RELOAD_SECONDS, step=1)
    assert [frame["articles"] for frame in everything.take()] == [{"new": 1}]


async def test_places_are_limited_overall_and_by_address() -> None:
    portal = Portal(most=3, of_address=2)
    for _ in range(2):
        portal.listen("a1")
    with pytest.raises(Problem, match="from your address") as refused:
        portal.hub.admit(HOME)
    assert (refused.value.status, refused.value.headers) == (503, [("retry-after", "30")])
    portal.hub.admit(b"elsewhere")
    with pytest.raises(Problem, match="too many listeners are there"):
        portal.hub.admit(b"third")
    portal.hub.leave(None, b"elsewhere")
    portal.hub.leave(portal.listener, HOME)
    portal.listen("a1")
    assert [portal.counted("refused", why) for why in ("address", "full")] == [1, 1]
    assert portal.counted("ended", "left") == 1


async def test_at_the_stop_all_end_in_turns_and_nobody_comes_in() -> None:
    portal = Portal()
    clients = [portal.listen("a1") for _ in range(3 * AT_ONCE)]
    portal.hub.end()
    with pytest.raises(Problem, match="this server stops"):
        portal.hub.admit(HOME)
    await asyncio.sleep(0)
    assert [client.woken for client in clients].count(True) == AT_ONCE
    for _ in range(5):
        await asyncio.sleep(0)
    assert all(client.woken for client in clients)
    assert portal.listener.ended == "stop"
    portal.hub.leave(portal.listener, HOME)
    assert portal.counted("ended", "stop") == 1


@pytest.mark.parametrize(("used", "rests"), [(1.0, True), (0.01, False)])
async def test_frames_rest_four_times_the_processor_time_that_they_took(
    used: float, rests: bool
) -> None:
    portal = Portal()
    page = portal.listen("a1")
    await portal.pass_time()
    page.take()

    class Slow(Client):
        def write(self, chunk: bytes) -> None:
            super().write(chunk)
            portal.now += 1  # most of it may be other processes' time
            portal.used += used

    slow = Slow()
    portal.hub.admit(HOME)
    portal.hub.join(Listener(slow, ("a1",), portal.hub.figures.version))
    await portal.count(a1=6)
    await portal.pass_time(0.5)
    assert len(slow.take()) == 1
    await portal.count(a1=7)
    await portal.pass_time(2)
    assert len(slow.take()) == (not rests)
    await portal.pass_time(3)
    assert len(slow.take()) == rests


async def test_without_listeners_nothing_is_asked_for() -> None:
    portal = Portal()
    await portal.count(a1=6)
    await portal.pass_time(10)
    assert portal.asked == []
    assert portal.counted("encoded") == 0


async def test_a_total_of_the_site_falls_with_a_generation_alone() -> None:
    portal = Portal()
    page = portal.listen("a1")
    await portal.pass_time()
    page.take()
    portal.total = 8
    await portal.pass_time(SITE_SECONDS)
    assert all("site" not in frame or frame["site"]["total"] == 10 for frame in page.take())
    portal.generation = 1
    await portal.pass_time(SITE_SECONDS)
    sites = [frame["site"] for frame in page.take() if "site" in frame]
    assert [(site["total"], site["generation"]) for site in sites] == [(8, 1)]
