"""`python -m tests.readers`: unique readers of real processes, which are killed meanwhile, beside
plain sets of visitors. Ends with status 1 if a figure is wrong: an exact one that differs, or one
of a sketch that is further off than its error allows.
"""

import asyncio
import sys
import tempfile
import time
from pathlib import Path

from deploy.local import processes
from deploy.local.broker import Node
from deploy.local.database import Database
from luotdoc_subscriber.base.command import Command
from luotdoc_subscriber.base.progress import ProgressLine
from tests.readers.run import Run
from tests.support.system import System


async def judge(folder: Path, visitors: int, seed: int) -> Run:
    """Run it on servers in `folder`, which end with it."""
    broker, database = Node(folder / "rabbitmq"), Database(folder / "mongodb")
    try:
        await asyncio.gather(*(asyncio.to_thread(server.start) for server in (broker, database)))
        system = System(broker, database, folder)
        with ProgressLine("reads sent") as line:
            most = visitors * 2
            run = Run(system, visitors, seed, told=lambda done: line.advance(done, most))
            try:
                await run.go()
            finally:
                await system.close()
        return run
    finally:
        processes.sweep(folder)


def main(arguments: list[str]) -> int:
    """Run, print what came of it; answers the exit status."""
    parser = Command(prog="python -m tests.readers", description=__doc__)
    parser.add_argument("--visitors", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="luotdoc-readers-") as folder:
        run = asyncio.run(judge(Path(folder), asked.visitors, asked.seed))
    for each in run.verdict.wrong[:20]:
        print(each)
    print(run.lines())
    return 1 if run.verdict.wrong or run.verdict.share() < 0.9 else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
