"""A counter that kills itself, by SIGKILL, at a step of its flush: `DIE_AT` names it, `DIE_AFTER` how many to let pass."""

import os
import signal

from services.counter.app import build
from services.counter.settings import CounterSettings
from shared.app import Service, main

left = int(os.environ.get("LUOTDOC_DIE_AFTER", "0"))


def _step(name: str) -> None:
    global left
    if name != os.environ["LUOTDOC_DIE_AT"]:
        return
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    left -= 1


def _build(settings: CounterSettings) -> Service:
    return build(settings, step=_step)


if __name__ == "__main__":
    main(CounterSettings, _build)
