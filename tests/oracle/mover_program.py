"""The operator's mover, `python -m services.counter archive`, again and again, with the run's
clock. It ends itself at its step.
"""

import asyncio
import time

from luotdoc_subscriber.base.errors import Transient
from services.counter.archive import command
from services.counter.settings import CounterSettings
from shared.base.settings import load_settings
from tests.oracle.doom import clock_and_doom

REST_SECONDS = 0.5


def _move_for_ever() -> None:
    clock, _ = clock_and_doom()
    settings = load_settings(CounterSettings)
    setattr(command, "now", clock.now)  # noqa: B010  (the command takes no clock)
    while True:
        try:
            asyncio.run(command.archive_old(settings))
        except Transient as error:  # another mover was faster: an operator runs it again
            print(error, flush=True)
        time.sleep(REST_SECONDS)


if __name__ == "__main__":
    _move_for_ever()
