"""A keeper of traffic figures that ends itself by SIGKILL just before or after its DIE_AT-th
statement to the database, as often as it takes until one gets to its end.

Arguments: MongoDB's address, the database, the site's zone, the time, and by how many statements
each run gets further than the one before. Prints `<number of runs> runs, <statements> statements`.
"""

import asyncio
import os
import signal
import sys
import time
from datetime import datetime
from itertools import count
from zoneinfo import ZoneInfo

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)

from shared.storage.types import Client
from tests.support.reporting import reporting

WRITES = {"update", "delete", "insert", "commitTransaction"}


class Ending(CommandListener):
    """Ends the process at a write: at an even number before it is sent, at an odd one once it was
    answered.
    """

    def __init__(self, die_at: int) -> None:
        self.seen, self._die_at = 0, die_at

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name in WRITES:
            self._reach()

    def succeeded(self, event: CommandSucceededEvent) -> None:
        if event.command_name in WRITES:
            self._reach()

    def failed(self, event: CommandFailedEvent) -> None:
        """An error is no statement."""

    def _reach(self) -> None:
        if self.seen == self._die_at:
            os.kill(os.getpid(), signal.SIGKILL)
        self.seen += 1


async def _work(arguments: list[str], die_at: int) -> int:
    url, name, zone, moment = arguments
    ending, now = Ending(die_at), datetime.fromisoformat(moment)
    client: Client = AsyncIOMotorClient(
        url,
        tz_aware=True,
        appname="luotdoc-stats",  # so that the next one may end its transactions
        event_listeners=[ending],
    )
    seconds = count(0, 100)
    stats = reporting(
        client, client[name], lambda: now, ZoneInfo(zone), lambda: float(next(seconds))
    )
    missing = "luotdoc_traffic_projections_missing"
    until = time.monotonic() + 60
    while time.monotonic() < until:
        await stats.keeper.step()
        left = await stats.sections.moving(1)
        if not left and stats.registry.get_sample_value(missing) == 0:
            return ending.seen
    raise TimeoutError("the projections are not made within a minute")


def _run(arguments: list[str], further: int) -> None:
    for runs in count(1):
        if (child := os.fork()) == 0:
            seen = asyncio.run(_work(arguments, (runs - 1) * further))
            print(f"{runs} runs, {seen} statements of the last", flush=True)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            sys.exit(os.WEXITSTATUS(status))


if __name__ == "__main__":
    _run(sys.argv[1:5], int(sys.argv[5]))
