"""A stats that ends itself by SIGKILL just before or after a write to `readers`: at an even number
`DIE_AT` before it is sent, at an odd one once it was answered.
"""

import os
import signal

from pymongo import monitoring
from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)

from services.stats.app import build
from services.stats.settings import StatsSettings
from shared.web.server import main


class EndingOfReaders(CommandListener):
    """Ends the process at a step."""

    def __init__(self, left: int) -> None:
        self._left, self._ours = left, set[int]()

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name == "update" and event.command["update"] == "readers":
            self._ours.add(event.request_id)
            self._reach()

    def succeeded(self, event: CommandSucceededEvent) -> None:
        if event.request_id in self._ours:
            self._reach()

    def failed(self, event: CommandFailedEvent) -> None:
        """An error is no write."""

    def _reach(self) -> None:
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self._left -= 1


if __name__ == "__main__":
    monitoring.register(EndingOfReaders(int(os.environ["LUOTDOC_DIE_AT"])))
    main(StatsSettings, build)
