"""ingest with the run's clock."""

from luotdoc_subscriber.base.clock import to_millis
from services.ingest.app import build
from services.ingest.settings import IngestSettings
from shared.web.app import Service
from shared.web.server import main
from tests.oracle.doom import clock_and_doom


def _build(settings: IngestSettings) -> Service:
    clock, _ = clock_and_doom()
    return build(settings, clock=clock.now, millis=lambda: to_millis(clock.now()))


if __name__ == "__main__":
    main(IngestSettings, _build)
