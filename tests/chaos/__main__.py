"""`python -m tests.chaos`: rounds of faults under load. `… outage`: RabbitMQ away for a while, under load.

Ends with status 1 when a read was lost or counted twice, or when anything else does not add up. The seed that is
printed repeats the plan of faults; what comes of it depends on the machine's timing as well.
"""

import argparse
import asyncio
import json
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from deploy.local import processes
from deploy.local.broker import Broker
from deploy.local.database import Database
from shared.command import Command
from tests.chaos import outage, plan, report
from tests.chaos.fleet import Fleet
from tests.chaos.run import Run
from tests.support.system import System


def say(text: str) -> None:
    """A line at once, to whoever waits."""
    print(text, file=sys.stderr, flush=True)


async def rounds(system: System, asked: argparse.Namespace) -> bool:
    """Run the rounds, print the table; answers whether all was exact."""
    numbers = asked.only or range(1, asked.rounds + 1)
    planned = plan.short() if asked.short else [plan.plan_round(asked.seed, n, asked.seconds) for n in numbers]
    say(f"seed {asked.seed}, {len(planned)} rounds")
    fleet = Fleet(system)
    run = Run(fleet, asked.seed, say)
    try:
        await fleet.up()
        await run.rounds(planned)
    finally:
        await fleet.down()
    late = await run.last_look()
    for complaint in late:
        say(complaint)
    result = report.as_json(asked.seed, run.outcomes, late)
    abandoned = run.outcomes[-1].verdict.abandoned
    say(f"batches that died unacknowledged with an ingest and left a gap: {abandoned}\n")
    print(json.dumps(result, indent=2, ensure_ascii=False) if asked.json else report.table(run.outcomes))
    say(f"\nseed {asked.seed}: {'exact' if result['exact'] else 'WRONG'}")
    return bool(result["exact"])


async def run_outage(system: System, asked: argparse.Namespace) -> bool:
    """Run the outage and print what came of it."""
    result = await outage.run(system, asked.seconds, say)
    print(json.dumps(result.as_json(), indent=2, ensure_ascii=False) if asked.json else result.table())
    return not result.complaints


async def main(asked: argparse.Namespace, folder: Path) -> bool:
    """Bring broker and database up, run, and take everything down."""
    running = asyncio.current_task()
    assert running is not None
    for number in (signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, running.cancel)
    broker, database = Broker(folder / "rabbitmq"), Database(folder / "mongodb")
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
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6), help="default: a new one")
    parser.add_argument("--seconds", type=float, help="of load in a round (12), of the outage (60)")
    parser.add_argument("--only", type=int, nargs="+", metavar="N", help="these rounds of the seed alone")
    parser.add_argument("--short", action="store_true", help="two fixed rounds of the worst faults")
    parser.add_argument("--json", action="store_true", help="everything, as JSON on standard output")
    parser.add_argument("--keep", action="store_true", help="keep logs and data even if all was exact")
    asked = parser.parse_args(given)
    asked.seconds = asked.seconds or (60.0 if asked.command == "outage" else 12.0)
    return asked


if __name__ == "__main__":
    chosen = arguments(sys.argv[1:])
    place = Path(tempfile.mkdtemp(prefix="luotdoc-chaos-"))
    exact, began = False, time.monotonic()
    try:
        exact = asyncio.run(main(chosen, place))
    finally:
        if exact and not chosen.keep:
            shutil.rmtree(place)
        else:
            say(f"logs and data are kept in {place}")
        say(f"{time.monotonic() - began:.0f} s")
    sys.exit(0 if exact else 1)
