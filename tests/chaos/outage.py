"""RabbitMQ is away for a while, under load: what was answered 204 is counted afterwards, the rest
was refused.

One ingest has a spool that holds it all; the other's is limited, and full before RabbitMQ is back.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.chaos.client import Client, NotSent, Unanswered
from tests.chaos.editor import Editor
from tests.chaos.fleet import Fleet, Replica
from tests.chaos.settle import settled
from tests.chaos.verdict import judge_reads
from tests.support.system import BROWSER, System

READERS = 12
FULL_PAUSE = 0.02
"""A reader who was answered 503 waits; less than told, so that a full spool is asked often."""


@dataclass
class Reads:
    """What the readers of one ingest were answered."""

    spool: str
    acknowledged: int = 0
    refused: int = 0
    """503 with `Retry-After`."""
    slowest_refusal: float = 0.0
    """Seconds."""
    unanswered: int = 0
    counted: int = 0
    lost: int = 0
    doubled: int = 0
    odd: Counter[str] = field(default_factory=Counter)


@dataclass
class Outage:
    """The outcome: by ingest, and what is wrong with it."""

    seconds: float
    reads: dict[str, Reads]
    complaints: list[str]

    def as_json(self) -> dict[str, Any]:
        """Everything."""
        return asdict(self)

    def table(self) -> str:
        """The reads as a Markdown table, and the complaints."""
        columns = ("spool", "acknowledged", "refused", "unanswered", "counted", "lost", "doubled")
        lines = [f"| ingest | {' | '.join(columns)} |", f"|---|---|{'---:|' * (len(columns) - 1)}"]
        for name, reads in self.reads.items():
            lines.append(
                f"| {name} | {' | '.join(str(getattr(reads, column)) for column in columns)} |"
            )
        return "\n".join([*lines, *self.complaints])


async def run(
    system: System,
    seconds: float,
    say: Callable[[str], None],
    limit: int = 1 << 20,
    forked: bool = False,
) -> Outage:
    """Two ingests under load; RabbitMQ is killed, and started again after `seconds`. `limit` of the
    small spool.
    """
    fleet = Fleet(system, forked=forked)
    names = {"ample": "a1", "small": "a2"}
    try:
        ingests = [fleet.add("ingest"), fleet.add("ingest", spool_max_bytes=limit)]
        for replica in (*ingests, fleet.add("counter"), fleet.add("counter")):
            fleet.start(replica)
        await fleet.ready()
        editor = Editor(ingests, random.Random(0))
        for article in names.values():
            await editor.publish(article)
        await editor.finish()
        reads = {"ample": Reads("256 MiB"), "small": Reads(f"{limit // 1024} KiB")}
        stopping = asyncio.Event()
        readers = [
            asyncio.create_task(_read(replica, names[size], reads[size], stopping))
            for replica, size in zip(ingests, reads, strict=True)
            for _ in range(READERS)
        ]
        try:
            await asyncio.sleep(1)
            await asyncio.to_thread(system.broker.kill)
            say(f"RabbitMQ is away for {seconds:g} s")
            await asyncio.sleep(seconds)
        finally:
            await asyncio.to_thread(system.broker.start)
        say("RabbitMQ is back")
        await asyncio.sleep(1)
        stopping.set()
        await asyncio.gather(*readers)
        began = time.monotonic()
        left = await settled(fleet)
        say(f"drained in {time.monotonic() - began:.1f} s")
        complaints = [f"not drained: {left}"] if left else []
        counted = await system.by_article()
    finally:
        await fleet.down()
    for size, article in names.items():
        complaints += _judge(article, reads[size], counted)
    if reads["ample"].refused:
        complaints.append("reads were refused although the spool had room")
    if not reads["small"].refused:
        complaints.append("the small spool was never full")
    return Outage(seconds, reads, complaints + fleet.manners)


def _judge(article: str, reads: Reads, counted: dict[str, int]) -> list[str]:
    acknowledged = Counter({article: reads.acknowledged})
    unknown = Counter({article: reads.refused + reads.unanswered})
    verdict = judge_reads(acknowledged, unknown, counted)
    reads.counted, reads.lost, reads.doubled = verdict.counted, verdict.lost, verdict.doubled
    if reads.slowest_refusal > 1:
        verdict.complaints.append(f"{article}: a refusal took {reads.slowest_refusal:.1f} s")
    return verdict.complaints + [f"{n} times: {what}" for what, n in reads.odd.items()]


async def _read(replica: Replica, article: str, reads: Reads, stopping: asyncio.Event) -> None:
    client, body = Client(), b'{"article":"%s"}' % article.encode()
    try:
        while not stopping.is_set():
            began = time.monotonic()
            try:
                answer = await client.request(
                    replica.port, "POST", "/reads", body, {"user-agent": BROWSER}
                )
            except (NotSent, Unanswered) as error:
                reads.unanswered += isinstance(error, Unanswered)
                reads.odd[f"{replica.name}: {error}"] += 1
                continue
            if answer.status == 204:
                reads.acknowledged += 1
            elif answer.status == 503 and "retry-after" in answer.headers:
                reads.refused += 1
                reads.slowest_refusal = max(reads.slowest_refusal, time.monotonic() - began)
                await asyncio.sleep(FULL_PAUSE)
            else:
                reads.odd[f"{replica.name}: {answer.status} {answer.body.decode()[:200]}"] += 1
    finally:
        client.close()
