"""`python -m tests.oracle`: every figure of every endpoint of stats, asked over HTTP from real
processes that are killed meanwhile, beside a plain list of reads.

Ends with status 1 if a figure differs, 2 if the run could not be judged. The same seed makes the
same reads; when a process is killed depends on the machine's timing as well.
"""

import argparse
import asyncio
import shutil
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path

from deploy.local import processes
from deploy.local.broker import Node
from deploy.local.database import Database
from luotdoc_subscriber.base.command import Command
from luotdoc_subscriber.base.progress import ProgressLine
from tests.oracle.run import LONG, SHORT, SITES, Run
from tests.support.system import System

SHORT_FIGURES = 10_000
"""Fewer figures are compared on smaller sites."""
SECONDS_BEFORE, FIGURES_A_SECOND = 1800.0, 25.0
"""The bound of a run's time: it takes a quarter of that on a quiet machine."""


async def judge(folder: Path, asked: argparse.Namespace) -> Run:
    """Run it on servers in `folder`, which end with it, whatever ends it."""
    running = asyncio.current_task()
    assert running is not None
    for number in (signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, running.cancel)
    broker, database = Node(folder / "rabbitmq"), Database(folder / "mongodb")
    try:
        await asyncio.gather(*(asyncio.to_thread(server.start) for server in (broker, database)))
        system = System(broker, database, folder)
        with ProgressLine("figures compared") as line:
            size = SHORT if asked.figures < SHORT_FIGURES else LONG
            run = Run(
                system,
                asked.figures,
                asked.seed,
                lambda done: line.advance(done, asked.figures),
                size,
                asked.zone or tuple(SITES),
                rounds=1 if size is SHORT else 3,
            )
            try:
                async with asyncio.timeout(SECONDS_BEFORE + asked.figures / FIGURES_A_SECOND):
                    await run.go()
            finally:
                await system.close()
        return run
    finally:
        processes.sweep(folder)


def report(run: Run) -> int:
    """Print what differs, and the verdict; answers the exit status."""
    for difference in run.tally.differences:
        print(difference)
    print(run.verdict())
    print(
        f"{run.tally.shares()}; {run.tally.between:,} more between bounds during the traffic; "
        f"{run.at_steps} kills at a chosen step; {run.corrected:,} reads corrected"
    )
    return 1 if run.tally.differing else 0


def main(arguments: list[str]) -> int:
    """Run, print what came of it; answers the exit status."""
    parser = Command(prog="python -m tests.oracle", description=__doc__)
    parser.add_argument("--figures", type=int, default=200_000, help="to compare at least")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    parser.add_argument(
        "--zone", action="append", choices=[*SITES], help="instead of all; again for more"
    )
    asked = parser.parse_args(arguments)
    print(f"seed {asked.seed}, {asked.figures:,} figures", file=sys.stderr, flush=True)
    folder, began = Path(tempfile.mkdtemp(prefix="luotdoc-oracle-")), time.monotonic()
    try:
        run = asyncio.run(judge(folder, asked))
    except (Exception, asyncio.CancelledError) as error:
        traceback.print_exc(limit=-4)
        print(f"seed {asked.seed}: not judged, {error!r:.1000}; logs are in {folder}")
        return 2
    status = report(run)
    print(f"{time.monotonic() - began:.0f} s")
    if status:
        print(f"logs are in {folder}")
        return status
    shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
