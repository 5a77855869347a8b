"""stats is killed between any two statements with which it writes projections, and no figure is
wrong afterwards.
"""

import asyncio
import random
import re
import sys
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from shared.storage.transactions import end_abandoned
from shared.storage.versions import Document
from tests.integration.conftest import Emptied
from tests.integration.test_traffic_oracle import SECTIONS, Portal, compare
from tests.support.plain_traffic import random_reads
from tests.support.system import ROOT, until

NOW = datetime(2026, 11, 23, 5, 7, tzinfo=UTC)
ZONE = "Asia/Kathmandu"
FURTHER = 9


async def _killed_until_done(portal: Portal, mongo_url: str) -> tuple[int, int]:
    """Let one process after another do a part of the work; (number of them, statements)."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.keeper_that_dies", mongo_url, portal.emptied.db.name,
        ZONE, portal.now.isoformat(), str(FURTHER),
        cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    found = re.findall(r"(\d+) runs, (\d+) statements", said.decode())
    return int(found[-1][0]), int(found[-1][1])


async def _ended(emptied: Emptied) -> bool:
    """Whether no transaction is left that would keep the database from being dropped."""
    await end_abandoned(emptied.client)
    pipeline: list[Document] = [
        {"$currentOp": {"idleSessions": True}},
        {"$match": {"type": "idleSession"}},
    ]
    found = await emptied.client.admin.aggregate(pipeline).to_list(None)
    return not any("transaction" in session for session in found)


async def test_stats_killed_between_two_statements_leaves_no_wrong_figure(
    emptied: Emptied, mongo_url: str
) -> None:
    portal = Portal(emptied, ZoneInfo(ZONE), NOW - timedelta(days=6), random.Random(11))
    portal.oldest += 96 * 410  # ten days ago
    articles = [f"a{number}" for number in range(12)]
    for article in articles:
        await portal.publish(article, portal.chance.choice(SECTIONS))
    killed = 0
    for _ in range(2):
        for _ in range(4):
            portal.now += timedelta(hours=17)
            reads = random_reads(portal.chance, portal.now, articles, 60, oldest=portal.oldest)
            await portal.writer.count(reads, portal.now, portal.chance.randrange(16))
        for article in articles[:4]:
            await portal.publish(article, portal.chance.choice(SECTIONS))
        runs, _ = await _killed_until_done(portal, mongo_url)
        killed += runs - 1
        await compare(portal, portal.new())
    assert killed > 10
    await until(lambda: _ended(emptied), 5, "the last transaction of a killed one is ended")
    print(f"\n{killed} times killed, {portal.compared} figures compared: 0 differ")
