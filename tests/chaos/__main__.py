"""`python -m tests.chaos`: rounds of faults under load. `… outage`: RabbitMQ away for a while,
under load.

Ends with a verdict: exact (status 0), reads lost or counted twice or something else that does not
add up (1), or why the run could not be judged (2). The seed that is printed repeats the plan of
faults; what comes of it depends on the machine's timing as well.
"""

import argparse
import asyncio
import json
import os
import random
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
from tests.chaos import outage, plan, report
from tests.chaos.bounded import Unjudged, bounded
from tests.chaos.fleet import Fleet
from tests.chaos.run import Run
from tests.support.system import System

START_SECONDS, STOP_SECONDS = 180.0, 120.0


def say(text: str) -> None:
    """A line at once, to whoever waits."""
    print(text, file=sys.stderr, flush=True)


async def rounds(system: System, asked: argparse.Namespace) -> int:
    """Run the rounds, print the table and the verdict; answers the exit status."""
    numbers = asked.only or range(1, asked.rounds + 1)
    planned = (
        plan.short()
        if asked.short
        else [plan.plan_round(asked.seed, n, asked.seconds) for n in numbers]
    )
    say(f"seed {asked.seed}, {len(planned)} rounds")
    fleet = Fleet(system)
    run = Run(fleet, asked.seed, say)
    late, unjudged = list[str](), ""
    try:
        try:
            await bounded("starting the services", START_SECONDS, fleet.up())
            await run.rounds(planned)
        finally:
            await bounded("stopping the services", STOP_SECONDS, fleet.down())
        late = await bounded("the last look", STOP_SECONDS, run.last_look())
    except Unjudged as error:
        log_of(error)
        unjudged = str(error)
    except asyncio.CancelledError:
        unjudged = "it was ended by a signal"
    for complaint in late:
        say(complaint)
    if run.outcomes:
        abandoned = run.outcomes[-1].verdict.abandoned
        say(f"batches that died unacknowledged with an ingest and left a gap: {abandoned}\n")
    result = report.as_json(asked.seed, run.outcomes, late, unjudged)
    print(
        json.dumps(result, indent=2, ensure_ascii=False)
        if asked.json
        else report.table(run.outcomes)
    )
    verdict, status = report.verdict(run.outcomes, late, unjudged)
    say(f"\nseed {asked.seed}: {verdict}")
    return status


def log_of(error: BaseException) -> None:
    """Where a run that can't be judged came to its end."""
    if error.__cause__ is not None:
        say("".join(traceback.format_exception(error.__cause__)[-3:]))


async def run_outage(system: System, asked: argparse.Namespace) -> int:
    """Run the outage and print what came of it; answers the exit status."""
    limit = asked.seconds + START_SECONDS + STOP_SECONDS + 120
    result = await bounded("the outage", limit, outage.run(system, asked.seconds, say))
    print(
        json.dumps(result.as_json(), indent=2, ensure_ascii=False) if asked.json else result.table()
    )
    return 1 if result.complaints else 0


async def main(asked: argparse.Namespace, folder: Path) -> int:
    """Bring broker and database up, run, and take everything down; answers the exit status."""
    running = asyncio.current_task()
    assert running is not None
    for number in (signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, running.cancel)
    broker, database = Node(folder / "rabbitmq"), Database(folder / "mongodb")
    try:
        await asyncio.gather(*(asyncio.to_thread(server.start) for server in (broker, database)))
        system = System(broker, database, folder)
        try:
            await system.reset()
            return await (run_outage if asked.command == "outage" else rounds)(system, asked)
        finally:
            await system.close()
    finally:
        processes.sweep(folder)


def arguments(given: list[str]) -> argparse.Namespace:
    """What is asked for."""
    parser = Command(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("command", nargs="?", choices=["rounds", "outage"], default="rounds")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument(
        "--seed",
        type=int,
        default=random.SystemRandom().randrange(10**6),
        help="default: a new one",
    )
    parser.add_argument("--seconds", type=float, help="of load in a round (12), of the outage (60)")
    parser.add_argument(
        "--only", type=int, nargs="+", metavar="N", help="these rounds of the seed alone"
    )
    parser.add_argument("--short", action="store_true", help="two fixed rounds of the worst faults")
    parser.add_argument(
        "--json", action="store_true", help="everything, as JSON on standard output"
    )
    parser.add_argument(
        "--keep", action="store_true", help="keep logs and data even if all was exact"
    )
    asked = parser.parse_args(given)
    asked.seconds = asked.seconds or (60.0 if asked.command == "outage" else 12.0)
    return asked


if __name__ == "__main__":
    chosen = arguments(sys.argv[1:])
    place = Path(tempfile.mkdtemp(prefix="luotdoc-chaos-"))
    status, began = 2, time.monotonic()
    try:
        status = asyncio.run(main(chosen, place))
    except (Exception, asyncio.CancelledError) as error:
        say(traceback.format_exc(limit=-3))
        say(
            f"\nseed {chosen.seed}: could not judge, because {type(error).__name__}: "
            f"{str(error)[:500]}"
        )
    finally:
        if status == 0 and not chosen.keep:
            shutil.rmtree(place)
        else:
            say(f"logs and data are kept in {place}")
        say(f"{time.monotonic() - began:.0f} s")
    # Not sys.exit: a thread or a task that waits for a server for ever must not hold up the end.
    sys.stdout.flush()
    os._exit(status)
