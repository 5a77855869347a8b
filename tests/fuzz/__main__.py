"""`python -m tests.fuzz`: random bytes in properties, headers and bodies of messages, to each
queue.

Ends with status 1 when anything stopped, was late, lost or counted wrongly. The same seed makes the
same messages.
"""

import asyncio
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from deploy.local import processes
from deploy.local.broker import Node
from deploy.local.database import Database
from luotdoc_subscriber.base.command import Command
from tests.fuzz.run import LOG, WORKS, Result, Run
from tests.support.system import System


def say(text: str) -> None:
    """A line at once, to whoever waits."""
    print(text, file=sys.stderr, flush=True)


async def fuzz(folder: Path, messages: int, seed: int, works: list[str]) -> Result:
    """Run it on servers in `folder`, which end with it, whatever ends it."""
    running = asyncio.current_task()
    assert running is not None
    for number in (signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, running.cancel)
    broker, database = Node(folder / "rabbitmq"), Database(folder / "mongodb")
    try:
        await asyncio.gather(*(asyncio.to_thread(server.start) for server in (broker, database)))
        system = System(broker, database, folder)
        await system.reset()
        run = Run(system, messages, seed, say)
        try:
            return await run.go(works)
        finally:
            run.close()
            await system.close()
    finally:
        processes.sweep(folder)


def main(arguments: list[str]) -> int:
    """Run, print what came of it; answers the exit status."""
    parser = Command(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--messages", type=int, default=100_000, help="to each queue")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    parser.add_argument(
        "--queue",
        action="append",
        choices=[*WORKS, LOG],
        help="instead of all: a work queue, or the stream; again for more",
    )
    asked = parser.parse_args(arguments)
    works = [queue for queue in WORKS if queue in (asked.queue or WORKS)]
    say(f"seed {asked.seed}, {asked.messages:,} messages to each queue")
    folder = Path(tempfile.mkdtemp(prefix="luotdoc-fuzz-"))
    try:
        result = asyncio.run(fuzz(folder, asked.messages, asked.seed, works))
    except asyncio.CancelledError:
        say("ended before its time")
        return 2
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for name, queue in result.queues.items():
        print(
            f"{name}: {queue.taken:,} taken, {queue.refused:,} refused by RabbitMQ, "
            f"{queue.parked:,} parked, slowest {queue.slowest:.2f} s"
        )
    print(", ".join(f"{name} {number:,}" for name, number in sorted(result.reasons.items())))
    print("\n".join(result.complaints) or "all parked or handled, nothing stopped")
    return 1 if result.complaints else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
