"""Everything that a portal does, on two replicas of each service, while operators change
something. Nothing of it may be noticed outside.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tests.chaos.editor import Editor
from tests.chaos.fleet import Fleet, Replica
from tests.chaos.load import Load
from tests.rehearsals.stores import READERS, SETTINGS, all_counted, in_flight
from tests.support.system import READS_ONLY, TOKEN, System, until

SERVICES = ("ingest", "render", "counter", "stats")
EDITED = ("a1", "a2")


@dataclass
class Traffic:
    """Readers of `a1`, batches of reads of `b1`, an editor, and people who look at pages.

    `used` are the ingests that clients are led to, as the gateway does it: those that are ready.
    """

    fleet: Fleet
    used: list[Replica]
    load: Load
    editor: Editor

    @property
    def edits(self) -> int:
        """The saves that were accepted."""
        return sum(edited.edition for edited in self.editor.edited.values())

    async def more(self, reads: int = 100, edits: int = 2) -> None:
        """Wait until so many further reads of each kind and saves are accepted, and reads are
        counted.
        """
        system, tally = self.fleet.system, self.load.tally
        counted = await system.counted()
        single, batched, saved = tally.acknowledged.total(), tally.keyed.total(), self.edits

        async def enough() -> bool:
            return (
                tally.acknowledged.total() >= single + reads
                and tally.keyed.total() >= batched + reads
                and self.edits >= saved + edits
                and await system.counted() >= counted + reads
            )

        await until(enough, 30, "reads and saves go on")

    async def restart(self, service: str) -> None:
        """Restart its replicas one after the other."""
        for replica in self.fleet.of(service):
            await self.fleet.stop(replica)
            if service == "ingest":
                self.used.remove(replica)
            self.fleet.start(replica)
            assert await self.fleet.ready_one(replica, 60), self.fleet.manners
            if service == "ingest":
                self.used.append(replica)

    async def end(self, extra: int = 0) -> str:
        """Stop, wait until all is counted, and compare with what was acknowledged; `extra` reads
        of other articles are counted too. Answers the numbers.
        """
        self.load.stop()
        self.editor.stop()
        await asyncio.gather(self.load.finish(), self.editor.finish())
        system, tally = self.fleet.system, self.load.tally
        site, counted = await all_counted(self.fleet), await system.by_article()
        found, accepted = await in_flight(system, self.fleet, 0), tally.acknowledged.total()
        told = (
            f"{accepted} reads acknowledged, {counted['a1']} counted, {tally.keyed.total()} in "
            f"batches acknowledged, {counted['b1']} counted, {self.edits} saves, "
            f"{tally.unanswered.total()} reads refused by a starting ingest, "
            f"{tally.odd.total() + len(self.editor.odd)} unannounced answers, "
            f"balance {found['balance']}"
        )
        assert (dict(tally.broken), dict(tally.odd)) == ({}, {}), told
        assert (self.editor.odd, self.fleet.manners) == ([], []), told
        refusals = [each for each in tally.announced if each.startswith("POST /reads at")]
        assert all("starting, try again" in each for each in refusals), refusals
        assert counted["a1"] == accepted, told
        assert counted["b1"] == tally.keyed["b1"] > 0, told
        assert site == accepted + tally.keyed["b1"] + extra, told
        assert (found["balance"], found["counted"]) == (0, site), told
        for article, edited in self.editor.edited.items():
            page = await system.db.pages.find_one({"_id": article})
            assert page is not None, article
            assert page["revision"] == edited.revision, article
        return told


@asynccontextmanager
async def traffic(
    system: System,
    editing: str = TOKEN,
    batching: str = READS_ONLY,
    amqp_url: Callable[[str], str] | None = None,
) -> AsyncIterator[Traffic]:
    """Two replicas of each service under load; the editor and the sender of batches have these
    tokens. `amqp_url` answers where a service finds RabbitMQ, by default at its one node.
    """
    fleet = Fleet(system, SETTINGS, forked=True)
    try:
        for service in SERVICES * 2:
            url = amqp_url(service) if amqp_url else system.broker.url_of(service)
            fleet.start(fleet.add(service, amqp_url=url))
        await fleet.ready()
        await system.written_down()
        ingests = fleet.of("ingest")
        editor = Editor(ingests, random.Random(0), editing)
        load = Load(ingests, random.Random(1), patience=30, readers=READERS, token=batching)
        for article in (*EDITED, "b1"):
            await editor.publish(article)
        pages = [(render, path) for render in fleet.of("render") for path in ("/", "/x/x-a1.html")]
        load.start(["a1"], ["b1"], pages + [(stats, "/stats/site") for stats in fleet.of("stats")])
        editor.start(EDITED)
        try:
            yield Traffic(fleet, ingests, load, editor)
        finally:
            load.stop()
            editor.stop()
            await asyncio.gather(load.finish(), editor.finish())
    finally:
        await fleet.down()
