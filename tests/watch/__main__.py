"""`python -m tests.watch`: dashboards and alerts over a real stack.

Starts RabbitMQ, MongoDB, the services and a Prometheus. `dashboards` makes load and faults, and
asks every query of every panel. It prints a line for each dashboard, and ends with status 1 if a
query has no data, if its values are never anything but 0, or if an address of stats lacks a field.
`alerts` causes the fault of each alert, and sees that this alert fires, with no other than its
named consequences, and stops after the fault. An hour.
"""

import argparse
import asyncio
import re
import signal
import sys
import tempfile
import time
from pathlib import Path

from deploy.grafana.board import NAMES
from luotdoc_subscriber.base.command import Command
from tests.support.alerts import alerts as rules_of_alerts
from tests.watch import (
    alarms_budget,
    alarms_counting,
    alarms_delivery,
    alarms_gateway,
    alarms_mongodb,
    alarms_serving,
    alarms_traffic,
)
from tests.watch.bench import bench
from tests.watch.dashboards import watch
from tests.watch.judging import Judgement, judge, verdict
from tests.watch.pictures import save
from tests.watch.rules import FACTOR

FAULTS = {
    "counting": alarms_counting.FAULTS,
    "traffic": alarms_traffic.FAULTS,
    "delivery": alarms_delivery.FAULTS,
    "serving": alarms_serving.FAULTS,
    "mongodb": alarms_mongodb.FAULTS,
    "gateway": alarms_gateway.FAULTS,
    "budget": alarms_budget.FAULTS,
}
REPLICATED = {"mongodb"}
"""Rooms that need a MongoDB of three members."""
FRONTED = {"gateway"}
"""Rooms that need a gateway."""
STARTED = time.monotonic()


def say(text: str) -> None:
    """A line of progress, at once."""
    print(f"{time.monotonic() - STARTED:6.1f} s  {text}", file=sys.stderr, flush=True)


async def main(asked: argparse.Namespace, folder: Path) -> bool:
    """Run, and print; whether all was well."""
    running = asyncio.current_task()
    assert running is not None
    for number in (signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, running.cancel)
    return await (alerts if asked.what == "alerts" else dashboards)(asked, folder)


async def alerts(asked: argparse.Namespace, folder: Path) -> bool:
    """Every fault, one after the other. Each room has a stack of its own, so that no room inherits
    errors of another.
    """
    chosen = {
        room: [each for each in faults if re.search(asked.only, each.what)]
        for room, faults in FAULTS.items()
        if asked.room in (None, room)
    }
    faults = [each for room in chosen.values() for each in room]
    say(f"rules {FACTOR} times as fast: each `for`, range and offset; {len(faults)} faults")
    judgements: list[Judgement] = []
    for room, its in chosen.items():
        if its:
            (folder / room).mkdir()
            kind = {"replicated": room in REPLICATED, "fronted": room in FRONTED}
            async with bench(folder / room, say, **kind) as one:
                judgements += await judge(one, its)
    for each in judgements:
        print(each.line())
        for complaint in each.complaints:
            print(f"         WRONG: {complaint}")
    wanted = frozenset(name for each in faults for name in each.alerts)
    if len(faults) == sum(map(len, FAULTS.values())):
        wanted = frozenset(alert.name for alert in rules_of_alerts())
    for line in verdict(judgements, wanted):
        print(line)
    return not any(each.complaints for each in judgements)


async def dashboards(asked: argparse.Namespace, folder: Path) -> bool:
    """Every query of every panel."""
    watched = await watch(folder, asked.seconds, asked.seed, say, asked.board)
    for one in watched:
        print(one.line())
        for fault in one.faults():
            print(f"         WRONG: {fault}")
    if asked.pictures:
        for file in await save(watched, asked.pictures):
            say(f"{file}: {file.stat().st_size / 1000:.0f} kB")
    return not any(one.faults() for one in watched)


def arguments() -> argparse.Namespace:
    """What is asked for."""
    parser = Command(prog="python -m tests.watch", description=__doc__)
    parser.add_argument("what", nargs="?", choices=["dashboards", "alerts"], default="dashboards")
    parser.add_argument("--only", default="", help="of alerts: faults whose text matches")
    parser.add_argument("--room", choices=list(FAULTS), help="of alerts: one alone")
    parser.add_argument("--board", choices=list(NAMES), help="of dashboards: one alone")
    parser.add_argument("--seconds", type=float, default=150.0, help="of load, at least (150)")
    parser.add_argument("--seed", type=int, default=1, help="of the load (1)")
    parser.add_argument("--pictures", type=Path, help="folder to save a picture of each in")
    return parser.parse_args()


if __name__ == "__main__":
    chosen = arguments()
    with tempfile.TemporaryDirectory(prefix="luotdoc-watch-") as name:
        raise SystemExit(0 if asyncio.run(main(chosen, Path(name))) else 1)
