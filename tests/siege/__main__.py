"""`python -m tests.siege`: strangers attack each service in turn, an honest reader must not notice.

50 connections send without end, 500 slowly, and fuzzed requests come as fast as they are answered.
Prints a line for each service: how much its memory grew at the most, the honest reader's 99th
percentile, and answers of 5xx that are no announced 503. Ends with status 1 where memory grew by 30
MiB, the percentile reached 250 ms, or anything was wrong.
"""

import argparse
import asyncio
import random
import signal
import sys
import tempfile
from pathlib import Path

from deploy.local import processes
from deploy.local.broker import Node
from deploy.local.database import Database
from luotdoc_subscriber.base.command import Command
from tests.siege.run import MOST_P99, SERVICES, Siege, Size
from tests.support.system import System


def say(text: str) -> None:
    """A line at once, to whoever waits."""
    print(text, file=sys.stderr, flush=True)


async def main(asked: argparse.Namespace, folder: Path) -> bool:
    """Bring everything up, attack, print, take everything down; whether all was well."""
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
            for service in SERVICES:
                await system.start(
                    service, wait=False, read_window=0, max_connections=asked.connections
                )
            for process in system.processes:
                await system.ready(process, 120)
            size = Size(asked.endless, asked.slow, asked.requests // len(SERVICES), asked.seconds)
            say(f"seed {asked.seed}")
            verdicts = await Siege(system, asked.seed, size, say).run()
        finally:
            await system.close()
    finally:
        processes.sweep(folder)
    for verdict in verdicts:
        if verdict.p99 >= MOST_P99:
            verdict.complaints.append(f"the honest reader waited for {verdict.p99 * 1000:.0f} ms")
        print(verdict.line())
        for complaint in verdict.complaints:
            print(f"         WRONG: {complaint}")
    return not any(verdict.complaints for verdict in verdicts)


def arguments() -> argparse.Namespace:
    """What is asked for."""
    parser = Command(prog="python -m tests.siege", description=__doc__)
    parser.add_argument(
        "--seed",
        type=int,
        default=random.SystemRandom().randrange(10**6),
        help="default: a new one",
    )
    parser.add_argument(
        "--requests",
        type=int,
        default=100_000,
        help="fuzzed requests, all services together (100000)",
    )
    parser.add_argument(
        "--endless", type=int, default=50, help="connections that send without end (50)"
    )
    parser.add_argument("--slow", type=int, default=500, help="slow connections (500)")
    parser.add_argument(
        "--seconds", type=float, default=30.0, help="that each service is attacked at least (30)"
    )
    parser.add_argument(
        "--connections", type=int, default=0, help="LUOTDOC_MAX_CONNECTIONS of the services"
    )
    return parser.parse_args()


if __name__ == "__main__":
    chosen = arguments()
    with tempfile.TemporaryDirectory(prefix="luotdoc-siege-") as name:
        raise SystemExit(0 if asyncio.run(main(chosen, Path(name))) else 1)
