"""`python -m tests.recount`: counts reads, recounts them by other rules while the recount is killed
twice, compares every figure with a plain list of the reads, and prints what was found.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

from deploy.local import processes
from deploy.local.broker import Node
from deploy.local.database import Database
from luotdoc_subscriber.base.command import Command
from tests.recount.check import Death, check
from tests.recount.portal import RecountPortal
from tests.support.system import System

HOURS = 12


async def main(asked: argparse.Namespace, folder: Path) -> str:
    """Bring everything up, check, take everything down."""
    broker, database = Node(folder / "rabbitmq"), Database(folder / "mongodb")
    try:
        await asyncio.gather(*(asyncio.to_thread(server.start) for server in (broker, database)))
        system = System(broker, database, folder)
        try:
            await system.reset()
            portal = RecountPortal(asked.reads, asked.seed, int(time.time()), HOURS)
            return await check(system, portal, deaths(asked.reads))
        finally:
            await system.close()
    finally:
        processes.sweep(folder)


def deaths(reads: int) -> list[Death]:
    """Two deaths among the correcting batches: a million reads make 13 of them, 50,000 make 4."""
    return [Death("sent", min(9, reads // 100_000)), Death("sent", min(1, reads // 500_000))]


def arguments() -> argparse.Namespace:
    """What is asked for."""
    parser = Command(prog="python -m tests.recount", description=__doc__)
    parser.add_argument("--reads", type=int, default=1_000_000, help="to recount (1000000)")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    chosen = arguments()
    print(f"seed {chosen.seed}", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(prefix="luotdoc-recount-") as name:
        print(asyncio.run(main(chosen, Path(name))))
