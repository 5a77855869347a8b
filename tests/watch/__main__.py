"""`python -m tests.watch`: the dashboards over a real stack, with their data.

Starts RabbitMQ, MongoDB, the services and a Prometheus, makes load and faults, and asks every
query of every panel. Prints a line for each dashboard. Ends with status 1 if a query has no data,
if its values are never anything but 0, or if an address of stats lacks a field.
"""

import argparse
import asyncio
import signal
import sys
import tempfile
import time
from pathlib import Path

from luotdoc_subscriber.base.command import Command
from tests.watch.dashboards import watch
from tests.watch.pictures import save

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
    return await dashboards(asked, folder)


async def dashboards(asked: argparse.Namespace, folder: Path) -> bool:
    """Every query of every panel."""
    watched = await watch(folder, asked.seconds, asked.seed, say)
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
    parser.add_argument("--seconds", type=float, default=150.0, help="of load, at least (150)")
    parser.add_argument("--seed", type=int, default=1, help="of the load (1)")
    parser.add_argument("--pictures", type=Path, help="folder to save a picture of each in")
    return parser.parse_args()


if __name__ == "__main__":
    chosen = arguments()
    with tempfile.TemporaryDirectory(prefix="luotdoc-watch-") as name:
        raise SystemExit(0 if asyncio.run(main(chosen, Path(name))) else 1)
