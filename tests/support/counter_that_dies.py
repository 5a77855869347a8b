"""A counter that ends itself by SIGKILL at the step of its flush that `DIE_AT` names, after
`DIE_AFTER` of them.
"""

import os
import signal

from services.counter.app import build
from services.counter.settings import CounterSettings
from shared.web.app import Service
from shared.web.server import main

left = int(os.environ.get("LUOTDOC_DIE_AFTER", "0"))


def _at_stage(name: str) -> None:
    global left
    if name != os.environ["LUOTDOC_DIE_AT"]:
        return
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    left -= 1


def _build(settings: CounterSettings) -> Service:
    return build(settings, at_stage=_at_stage)


if __name__ == "__main__":
    main(CounterSettings, _build)
