"""Counts the reads of a portal, recounts them by other rules while the recount is killed, and
compares every figure with the plain list.
"""

import asyncio
import signal
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

import aio_pika
from aio_pika.abc import DeliveryMode

from shared.rabbit import topology
from shared.storage.counts import SITE
from shared.storage.quarters import PER_DAY, day_number
from tests.recount.portal import RecountPortal, Sums, article
from tests.support.system import System, until

PROGRAM = "tests.recount.program"
SECONDS = 400.0
"""At most for reads to be counted, and for a recount."""
REPEATED = 50
"""Of so many batches one arrives twice."""


@dataclass(frozen=True, slots=True)
class Death:
    """Where a recount is killed: at the step `stage`, after so many of them."""

    stage: str
    after: int = 0


async def publish(system: System, portal: RecountPortal) -> int:
    """Publish the batches as an ingest does, some twice. Answers their number."""
    number = 0
    async with await aio_pika.connect(system.broker.url) as connection:
        # With confirms: what is not confirmed may be lost when the connection is closed.
        channel = await connection.channel(publisher_confirms=True)
        exchange = await channel.get_exchange(topology.READS_EXCHANGE.name)
        async with asyncio.TaskGroup() as confirms:
            for batch in portal.batches():
                message = aio_pika.Message(
                    batch.body(),
                    headers=batch.headers(),
                    delivery_mode=DeliveryMode.PERSISTENT,
                    message_id=batch.batch_id,
                )
                for _ in range(1 + (number % REPEATED == 0)):
                    confirms.create_task(exchange.publish(message, topology.READS_KEY))
                number += 1
    return number


async def counted_sums(system: System) -> Sums:
    """Reads by class, article and quarter, from the buckets."""
    found: Sums = Counter()
    async for bucket in system.db.buckets.find():
        first = day_number(bucket["day"]) * PER_DAY
        for kind, quarters in {"reader": bucket["q"], **bucket.get("by", {})}.items():
            for place, reads in quarters.items():
                found[kind, bucket["article"], first + int(place)] += reads
    return +found


def with_site(sums: Sums) -> Sums:
    """The sums with those of the whole site."""
    found: Sums = Counter(sums)
    for (kind, _, quarter), number in sums.items():
        found[kind, SITE, quarter] += number
    return found


def totals(sums: Sums) -> dict[str, int]:
    """People's reads by article and for the site."""
    found: Counter[str] = Counter()
    for (kind, name, _), number in with_site(sums).items():
        if kind == "reader":
            found[name] += number
    return dict(found)


async def shown(system: System, name: str, number: int) -> bool:
    """Whether the article's page shows so many reads."""
    page = await system.page(name)
    return page is not None and f"data-reads>{number:,}<".replace(",", ".") in page.text


async def books(system: System) -> dict[str, Any]:
    """The answer about the books."""
    answer = await system.http.get(f"{system.url('stats')}/stats/reconciliation")
    return dict(answer.raise_for_status().json())


async def count(system: System, portal: RecountPortal) -> None:
    """Publish and count the reads by the old rules; the pages of some articles show them."""
    number = await publish(system, portal)
    await system.start_all(counter=2, read_window=0)
    for one in range(3):
        answer = await system.put(article(one))
        assert answer.is_success, answer.text
    old = totals(portal.old.sums)

    async def all_counted() -> bool:
        return await system.counted() == old[SITE]

    await until(all_counted, SECONDS, f"{number} batches are counted")
    assert await counted_sums(system) == with_site(portal.old.sums)


async def killed(system: System, death: Death) -> None:
    """Run a recount that is killed."""
    told = await system.command(
        PROGRAM, amqp_url=system.broker.url_of("counter"),
        mongo_url=system.database.url_of("counter"), die_at=death.stage,
        die_after=str(death.after),
    )  # fmt: skip
    assert told.returncode == -signal.SIGKILL, (death, told.stdout, told.stderr)


async def recounted(system: System) -> str:
    """Run a recount to its end. Answers what it printed."""
    told = await system.command(
        PROGRAM, amqp_url=system.broker.url_of("counter"),
        mongo_url=system.database.url_of("counter"),
    )  # fmt: skip
    assert told.returncode == 0, (told.stdout, told.stderr)
    return told.stdout


async def compare(system: System, portal: RecountPortal) -> int:
    """Every figure is that of the plain list, by the new rules. Answers how many were compared."""
    new = portal.new.sums
    expected = with_site(new)
    assert await counted_sums(system) == expected
    found = {name: number for name, number in (await _totals(system)).items() if number}
    assert found == totals(new)
    devices: Counter[tuple[str, str, int]] = Counter()
    async for bucket in system.db.buckets.find({"article": SITE}):
        first = day_number(bucket["day"]) * PER_DAY
        for kind, quarters in bucket.get("device", {}).items():
            for place, reads in quarters.items():
                devices["device", kind, first + int(place)] += reads
    assert +devices == portal.sources
    return len(expected) + len(found) + len(portal.sources)


async def _totals(system: System) -> dict[str, int]:
    found: Counter[str] = Counter()
    async for document in system.db.counts.find():
        found[document["article"]] += document["reads"]
    return dict(found)


async def check(system: System, portal: RecountPortal, deaths: list[Death]) -> str:
    """The whole check. Answers its lines."""
    await count(system, portal)
    old, new = totals(portal.old.sums), totals(portal.new.sums)
    first = article(0)
    await until(lambda: shown(system, first, old[first]), 60, "its page shows the old number")
    began = time.monotonic()
    told = []
    for death in deaths:
        await killed(system, death)
        told.append(f"killed by SIGKILL at {death.stage!r}, with {await applied(system)} of")
    await recounted(system)
    took = time.monotonic() - began
    batches = await applied(system)
    assert "0 reads differ" in (again := await recounted(system)), again
    figures = await compare(system, portal)
    await until(lambda: shown(system, first, new[first]), 60, "its page shows the lower number")
    found = await books(system)
    check_books(found, portal)
    corrected = ", ".join(f"{kind} {n:+,}" for kind, n in found["corrected"].items() if n)
    return "\n".join(
        (
            f"{portal.reads:,} reads were counted, {old[SITE]:,} of them people's; then the rules "
            "changed, and a recount began",
            *(f"  {each} {batches} correcting batches applied" for each in told),
            f"once, exactly: {figures:,} figures by class, article and quarter are those of a "
            f"plain list by the new rules, 0 differ; a second recount finds 0 reads; {took:.1f} s",
            f"books: accepted {found['accepted']:,} = counted {found['counted']:,} + filtered "
            f"{sum(found['filtered'].values()):,} + parked {found['parked']}, balance "
            f"{found['balance']}; corrected: {corrected}",
            f"pages: {first} fell from {old[first]:,} to {new[first]:,} reads",
        )
    )


async def applied(system: System) -> int:
    """How many correcting batches the counters have applied."""
    return await system.db.corrections.count_documents({})


def check_books(found: dict[str, Any], portal: RecountPortal) -> None:
    """The books balance, and show what was corrected."""
    kinds = Counter(dict.fromkeys(found["corrected"], 0))
    for sums, sign in ((portal.new.sums, 1), (portal.old.sums, -1)):
        for (kind, _, _), number in sums.items():
            kinds[kind] += sign * number
    assert found["corrected"] == dict(kinds)
    counted = totals(portal.new.sums)[SITE]
    assert (found["balance"], found["counted"], found["accepted"]) == (0, counted, portal.reads)
    assert found["counted"] + sum(found["filtered"].values()) == found["accepted"]
    assert found["parked"] == 0
