"""A run: two days of visitors, with the turn of the day between them, over three counters, two
stats and two ingests, all of which are killed meanwhile.
"""

import asyncio
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import aio_pika

from shared.base.salt_days import begin_of, day_of
from shared.rabbit import topology
from tests.oracle.clock import EVERYBODY, NOBODY, SharedClock
from tests.oracle.doom import WRITE
from tests.readers.crowd import Crowd, Seen, SeenScope, drawn
from tests.readers.verdict import ERROR, Verdict
from tests.support.system import Process, System, until

ZONE = "Asia/Ho_Chi_Minh"
EVENING = timedelta(hours=1)
"""The time from the first read to the turn of the day."""
SECTIONS = ("thoi-su", "van-hoa", "the-thao")
CREW = ("ingest", "ingest", "counter", "counter", "counter", "stats", "stats")
MODULES = {
    "ingest": "tests.readers.ingest_program",
    "counter": "tests.oracle.counter_program",
    "stats": "tests.oracle.stats_program",
}
KILLS = 24
"""About so many in a run, by the number of reads between them: a quick machine has as many."""
READS_EACH = 1.5
"""Of a visitor, about."""
SETTLE_SECONDS = 60.0


@dataclass
class Run:
    """`visitors` in all, a fifth of whom read on both days. `told` gets the reads so far."""

    system: System
    visitors: int
    seed: int
    articles: int = 120
    told: Callable[[int], None] = lambda _reads: None
    killed: Counter[str] = field(default_factory=Counter)
    verdict: Verdict = field(default_factory=Verdict)
    replayed: int = 0

    def __post_init__(self) -> None:
        # In the future: MongoDB's own clock expires what the run's past days have.
        self.turn = _turn_after(datetime.now(UTC) + timedelta(days=1))
        self.days = tuple(f"{self.turn.date() + timedelta(days=n)}" for n in (-1, 0, 1))
        self.random = random.Random(self.seed)
        self.names = [f"r{n}" for n in range(self.articles)]
        places = {name: SECTIONS[n % len(SECTIONS)] for n, name in enumerate(self.names)}
        self.seen = Seen(places)
        self.clock = SharedClock(self.system.folder / "clock")
        self.members: list[tuple[str, str, Process]] = []
        self._step = 0

    async def go(self) -> None:
        """Read, kill, turn the day, ask."""
        await self.system.reset()
        self.clock.set(self.turn - EVENING)
        async with self._fleet():
            await self._publish()
            crowd = Crowd(lambda: self._of("ingest"), self.seen, random.Random(self.seed + 1))
            telling = asyncio.create_task(self._tell())
            self.clock.mortal = EVERYBODY
            reaping = asyncio.create_task(self._reap())
            both = self.visitors // 5
            evening = self._drawn(range(self.visitors * 3 // 5))
            await crowd.read(self.days[0], evening)
            assert self.clock.now() < self.turn, "the evening's reads took too long"
            self.clock.set(self.turn + timedelta(minutes=1))
            # An article that a visitor has just read is a reload after the turn too.
            morning = {*self._drawn(range(both * 2, self.visitors))} - {*evening}
            await crowd.read(self.days[1], sorted(morning, key=lambda _: self.random.random()))
            reaping.cancel()
            telling.cancel()
            await asyncio.wait([reaping, telling])
            self.clock.mortal = NOBODY
            await until(self._ready, SETTLE_SECONDS, "everything is up")
            await self._settled()
            await self._compare()
            await self._replay()

    def _drawn(self, visitors: range) -> list[tuple[int, str]]:
        return drawn(self.random, visitors, self.names)

    async def _tell(self) -> None:
        while True:
            self.told(self.seen.reads)
            await asyncio.sleep(0.5)

    async def _publish(self) -> None:
        for name in self.names:
            answer = await self.system.put(name, section=self.seen.section_of[name])
            answer.raise_for_status()
        known = self.system.db.catalogue.count_documents
        await until(lambda: self._all(known), SETTLE_SECONDS, "stats knows every article's section")

    async def _all(self, known: Any) -> bool:
        return bool(await known({"state": "published"}) == self.articles)

    # ── processes ────────────────────────────────────────────────────────────────────────────

    def _of(self, role: str) -> list[Process]:
        return [process for kind, _, process in self.members if kind == role]

    @asynccontextmanager
    async def _fleet(self) -> AsyncIterator[None]:
        for place, role in enumerate(CREW):
            name = f"{role}-place-{place}"
            self.members.append((role, name, await self._start(role, name)))
        await until(self._ready, SETTLE_SECONDS, "everything is up")
        tending = asyncio.create_task(self._tend())
        try:
            yield
        finally:
            tending.cancel()
            await asyncio.wait([tending])
            for _, _, process in self.members:
                process.send(signal.SIGKILL)
                await process.ended()
            if not tending.cancelled() and (error := tending.exception()):
                raise error

    async def _start(self, role: str, name: str) -> Process:
        doom = ""
        if role != "ingest" and self.random.random() < 0.5:
            self._step += 1
            doom = f"{WRITE} {self._step % 40}"
        return await self.system.start(
            role,
            module=MODULES[role],
            wait=False,
            time_zone=ZONE,
            flush_interval=0.2,
            instance=name,
            trusted_proxies="127.0.0.0/8",
            oracle_clock=self.clock.path,
            oracle_doom=doom,
        )

    async def _ready(self) -> bool:
        for _, _, process in self.members:
            try:
                if (await self.system.http.get(f"{process.url}/readyz")).status_code != 200:
                    return False
            except Exception:
                return False
        return True

    async def _tend(self) -> None:
        """For ever: start again what was killed."""
        while True:
            for place, (role, name, process) in enumerate(self.members):
                status = process.popen.poll()
                if status is None:
                    continue
                if status != -signal.SIGKILL:
                    raise AssertionError(f"{process.name} ended with {status}:\n{process.text()}")
                self.killed[role] += 1
                self.members[place] = (role, name, await self._start(role, name))
            await asyncio.sleep(0.05)

    async def _reap(self) -> None:
        """For ever: kill one now and then, one of each role before another of the same."""
        roles, rate = sorted(set(CREW)), KILLS / (READS_EACH * self.visitors)
        while True:
            for role in self.random.sample(roles, len(roles)):
                due = self.seen.reads + self.random.expovariate(rate)
                while self.seen.reads < due:  # noqa: ASYNC110  (an event would cost each read)
                    await asyncio.sleep(0.01)
                process = self.random.choice([each for of, _, each in self.members if of == role])
                process.send(signal.SIGKILL)

    # ── figures ──────────────────────────────────────────────────────────────────────────────

    async def _settled(self) -> None:
        """Wait until every batch is counted, and the fold is stored to the stream's end."""

        async def all_counted() -> bool:
            # A read whose answer was lost with its ingest is sent again: it may count twice.
            return bool(await self.system.counted() >= self.seen.reads)

        await until(all_counted, SETTLE_SECONDS, lambda: f"{self.seen.reads} reads are counted")
        end = await self._end()

        async def all_stored() -> bool:
            place = await self.system.db.readers.find_one({"_id": "place"}) or {"offset": -1}
            return bool(place["offset"] >= end)

        # Ingests send empty batches meanwhile, and with these alone it is stored every 30 s.
        await until(all_stored, SETTLE_SECONDS, lambda: f"the fold is stored until {end}")

    async def _end(self) -> int:
        """The offset of the stream's last message."""
        async with await aio_pika.connect(self.system.broker.url) as connection:
            channel = await connection.channel()
            await channel.set_qos(prefetch_count=1000)
            stream = await channel.get_queue(topology.READS_LOG.name)
            last = asyncio.get_running_loop().create_future()

            async def take(message: Any) -> None:
                if not last.done():
                    last.set_result(message.headers["x-stream-offset"])

            await stream.consume(take, arguments={"x-stream-offset": "next"})
            return int(await asyncio.wait_for(last, SETTLE_SECONDS))

    async def _all_numbers(self) -> dict[str, int]:
        found = self.system.db.readers.find({"number": {"$exists": True}}, {"number": 1})
        return {each["_id"]: each["number"] async for each in found}

    async def _compare(self) -> None:
        for process in self._of("stats"):
            site = await self._get(process, "/stats/site")
            self._both(process, "site", ("site", ""), site["readers"])
            for each in (await self._get(process, "/stats/sections"))["sections"]:
                scope = ("section", each["section"])
                self._both(process, f"section {each['section']}", scope, each["readers"])
            for name in self.names:
                found = await self._get(process, f"/stats/articles/{name}")
                self._both(process, f"article {name}", ("article", name), found["readers"])
            await self._series(process)

    def _both(self, process: Process, name: str, scope: SeenScope, readers: dict[str, Any]) -> None:
        for day, key in zip(self.days[:2], ("yesterday", "today"), strict=True):
            expected = self.seen.number(scope, day)
            self.verdict.judge(scope[0], f"{process.name} {name} {key}", expected, readers[key])

    async def _series(self, process: Process) -> None:
        path = f"/stats/readers?from={self.days[0]}&to={self.days[2]}"
        for scope, asked in ((("site", ""), ""), (("article", "r0"), "&article=r0")):
            for point in (await self._get(process, path + asked))["points"]:
                expected = self.seen.number(scope, point["day"])
                found = {"number": point["readers"], "error": point["error"]}
                name = f"{process.name} {path}{asked} {point['day']}"
                self.verdict.judge(scope[0], name, expected, found)

    async def _get(self, process: Process, path: str) -> Any:
        async def answered() -> Any:
            answer = await self.system.http.get(process.url + path)
            assert answer.status_code in (200, 503), answer.text
            return answer.json() if answer.status_code == 200 else None

        return await until(answered, SETTLE_SECONDS, path)

    async def _replay(self) -> None:
        """Fold the whole stream once more: no figure changes."""
        before, places = await self._all_numbers(), self.system.db.readers
        for process in self._of("stats"):
            process.send(signal.SIGKILL)
        await places.update_one({"_id": "place"}, {"$set": {"batch": "another"}})
        held = await places.find_one({"_id": "place"}) or {}
        end, generation = held["offset"], held["generation"]

        async def folded_again() -> bool:
            place = await places.find_one({"_id": "place"}) or {}
            self.replayed = int(place["offset"])
            return bool(place["generation"] > generation and self.replayed >= end)

        await until(folded_again, 120, "the stream is folded again")
        if (after := await self._all_numbers()) != before:
            changed = {key for key in before | after if before.get(key) != after.get(key)}
            self.verdict.wrong.append(f"changed by a second fold: {sorted(changed)[:10]}")

    def lines(self) -> str:
        """What came of it."""
        verdict, crew = self.verdict, Counter(CREW)
        kinds = ", ".join(f"{self.killed[role]} of {n} {role}" for role, n in crew.items())
        worst = ", ".join(f"{kind} {off:.2%}" for kind, off in verdict.worst.items())
        return (
            f"seed {self.seed}: {self.visitors:,} visitors in two days, {self.seen.reads:,} reads, "
            f"{self.seen.private:,} of them with Sec-GPC: 1; killed {self.killed.total()} times "
            f"({kinds})\n"
            f"sketches: {verdict.sketches:,} figures, {verdict.share():.1%} of them within the "
            f"stated ±{ERROR:.0%} (95 %); largest error: {worst}\n"
            f"exact: {verdict.exact:,} figures; a second fold of {self.replayed:,} batches\n"
            f"{len(verdict.wrong)} wrong"
        )


def _turn_after(moment: datetime) -> datetime:
    """The first beginning of a day of readers after `moment`."""
    zone = ZoneInfo(ZONE)
    return begin_of(day_of(moment, zone) + timedelta(days=1), zone)
