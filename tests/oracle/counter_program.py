"""A counter, with its mover, with the run's clock, which ends itself at its step."""

from services.counter.app import build
from services.counter.settings import CounterSettings
from shared.web.app import Service
from shared.web.server import main
from tests.oracle.doom import clock_and_doom


def _build(settings: CounterSettings) -> Service:
    clock, doom = clock_and_doom()
    return build(settings, clock=clock.now, at_stage=doom.reach)


if __name__ == "__main__":
    main(CounterSettings, _build)
