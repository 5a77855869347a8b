"""stats with the run's clock, which ends itself at its step."""

from services.stats.app import build
from services.stats.settings import StatsSettings
from shared.web.app import Service
from shared.web.server import main
from tests.oracle.clock import EVERYBODY
from tests.oracle.doom import clock_and_doom


def _build(settings: StatsSettings) -> Service:
    clock, _ = clock_and_doom(EVERYBODY)
    return build(settings, clock=clock.now)


if __name__ == "__main__":
    main(StatsSettings, _build)
