"""A run: one site after the other, each in another time zone, and rounds of traffic in each."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

import aio_pika

from shared.rabbit import topology
from shared.storage.transactions import end_abandoned
from tests.oracle.asked_series import POINTS
from tests.oracle.asking import Asking
from tests.oracle.bounds import Bounds
from tests.oracle.clock import EVERYBODY, NOBODY, WRITERS, SharedClock
from tests.oracle.fleet import CREW, STATS, Fleet
from tests.oracle.portal import Portal, Size
from tests.oracle.sending import Sender, all_counted, all_folded, write_past
from tests.oracle.tally import Tally
from tests.oracle.traffic import Delivery
from tests.support.system import System, until

LONG = Size(articles=60, past=2600, days=160, live=1100, seconds=25, points=POINTS)
SHORT = Size(articles=16, past=150, days=12, live=150, seconds=4, points=25)
SETTLE_SECONDS = 30.0
SITES = {
    "Asia/Ho_Chi_Minh": "2026-12-31T15:40:00+00:00",  # a year ends at 17:00
    "Asia/Kathmandu": "2027-02-28T17:00:00+00:00",  # a month ends at 18:15
    "Australia/Lord_Howe": "2026-10-03T14:40:00+00:00",  # the clock moves by half an hour at 15:30
    "Pacific/Apia": "2011-12-30T08:40:00+00:00",  # a day is skipped at 10:00
    "America/St_Johns": "2026-11-01T03:20:00+00:00",  # the clock is set back at 04:30
    "UTC": "2028-02-29T22:20:00+00:00",  # a leap day ends at 24:00
}
"""Zones, and the moment at which a site in them is asked first."""
ROUNDS = 3


@dataclass
class Run:
    """Compares `figures` figures; `told` gets how many there are."""

    system: System
    figures: int
    seed: int
    told: Callable[[int], None]
    size: Size = LONG
    zones: Sequence[str] = tuple(SITES)
    rounds: int = ROUNDS
    tally: Tally = field(default_factory=Tally)
    killed: Counter[str] = field(default_factory=Counter)
    at_steps: int = 0
    """Kills at a step that was chosen; the others were at random."""
    steps: Counter[str] = field(default_factory=Counter)
    corrected: int = 0
    """Reads whose class was corrected."""
    spoil: Callable[[Fleet], Awaitable[None]] | None = None
    """Breaks something before a round is asked, to see that it is noticed."""

    async def go(self) -> Tally:
        """Run until enough figures are compared, or one differs."""
        async with self._without_expiry():
            for place, zone in enumerate(self.zones):
                await self._site(zone, self.figures * (place + 1) // len(self.zones))
                if self.tally.differing:
                    break
        return self.tally

    @asynccontextmanager
    async def _without_expiry(self) -> AsyncIterator[None]:
        """MongoDB deletes the ledger's entries by its own clock, and some sites lie in the past."""
        admin = self.system.motor.admin
        await admin.command("setParameter", 1, ttlMonitorEnabled=False)
        try:
            yield
        finally:
            await admin.command("setParameter", 1, ttlMonitorEnabled=True)

    async def _site(self, zone: str, goal: int) -> None:
        await end_abandoned(self.system.motor)
        await self.system.reset()
        random = Random(f"{self.seed} {zone}")
        chance = Random(self.seed)  # what depends on the machine's timing must not change the reads
        clock = SharedClock(self.system.folder / "clock")
        clock.set(datetime.fromisoformat(SITES[zone]) + random.random() * timedelta(minutes=30))
        portal = Portal(random, zone, self.size)
        born = portal.born(clock.now())
        await write_past(self.system, clock, chance, portal.past(clock.now()))
        fleet = Fleet(self.system, clock, chance, zone, self.steps)
        self.tally.zones.add(zone)
        async with await aio_pika.connect(self.system.broker.url) as connection:
            channel = await connection.channel(publisher_confirms=True)
            sender = Sender(
                await channel.get_exchange(topology.READS_EXCHANGE.name),
                await channel.get_exchange("luotdoc.events"),
            )
            await sender.publish(born)
            try:
                async with fleet.running():
                    await self._rounds(portal, fleet, sender, goal)
            finally:
                clock.mortal = NOBODY
                self.killed += fleet.killed
                self.at_steps += fleet.at_steps

    async def _rounds(self, portal: Portal, fleet: Fleet, sender: Sender, goal: int) -> None:
        begun = self.tally.figures
        await all_counted(self.system, portal, SETTLE_SECONDS)
        for number in range(1, self.rounds + 1):
            await self._traffic(portal, fleet, sender)
            until = begun + (goal - begun) * number // self.rounds
            await self._ask(portal, fleet, until - self.tally.figures)
            if self.tally.differing:
                return
            self._later(portal, fleet, number)

    def _later(self, portal: Portal, fleet: Fleet, number: int) -> None:
        """The clock moves on: first over the border that is near, then by days or a month."""
        random, hour = portal.random, timedelta(hours=1)
        longer = random.choice((24, 31 * 24)) * hour + random.random() * 20 * hour
        fleet.clock.set(fleet.clock.now() + (2 * hour if number == 1 else longer))
        if fleet.random.random() < 0.5:
            fleet.restart(STATS)

    async def _traffic(self, portal: Portal, fleet: Fleet, sender: Sender) -> None:
        before, now = portal.figures(), fleet.clock.now()
        deliveries, changes = portal.live(now), portal.changed(now)
        bounds = Bounds(
            self.system.http,
            fleet,
            fleet.clock,
            before,
            portal.figures(),
            fleet.random,
            self.tally,
        )
        fleet.clock.mortal = EVERYBODY
        watching = asyncio.create_task(bounds.watch())
        try:
            await self._send(fleet, sender, deliveries, self.size.seconds)
            await sender.publish(changes)
            await asyncio.sleep(self.size.seconds / 5)
        finally:
            watching.cancel()
            await asyncio.wait([watching])
            fleet.clock.mortal = WRITERS
        if not watching.cancelled() and (error := watching.exception()):
            raise error
        corrections = portal.corrected(now)
        self.corrected += sum(move[-1] for each in corrections for move in each.batch.moves)
        await self._send(fleet, sender, corrections, self.size.seconds / 5)

    async def _send(
        self, fleet: Fleet, sender: Sender, deliveries: Sequence[Delivery], seconds: float
    ) -> None:
        pause = seconds / len(deliveries)
        again = list[Delivery]()
        for delivery in deliveries:
            await sender.send(delivery)
            if delivery.copies > 1:
                again.append(delivery)
            if again and fleet.random.random() < 0.2:
                await sender.send(again.pop(fleet.random.randrange(len(again))))
            await asyncio.sleep(pause)
        for delivery in again:
            await sender.send(delivery)

    async def _ask(self, portal: Portal, fleet: Fleet, number: int) -> None:
        await all_counted(self.system, portal, SETTLE_SECONDS)
        await all_folded(self.system, portal, SETTLE_SECONDS)
        if self.spoil:
            await self.spoil(fleet)
        await until(fleet.answers, SETTLE_SECONDS, "both stats are ready")
        asking = Asking(
            self.system.http,
            fleet.of(STATS),
            fleet.clock,
            portal.figures(),
            fleet.random,
            self.tally,
            fleet.clock.now(),
            points=self.size.points,
        )
        if await asking.compare_online(portal.batches):
            await asking.ask(number, self.told)

    def verdict(self) -> str:
        """One line."""
        kinds = ", ".join(f"{role} {self.killed[role]}" for role in dict.fromkeys(CREW))
        return (
            f"seed {self.seed}: {self.tally.figures:,} figures of {len(self.tally.endpoints)} "
            f"endpoints in {len(self.tally.zones)} zones, {self.tally.differing:,} differ; "
            f"killed {self.killed.total()} times ({kinds})"
        )
