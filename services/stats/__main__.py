"""`python -m services.stats`: run the service."""

from luotdoc_subscriber.base.command import Command
from services.stats.app import build
from services.stats.settings import StatsSettings
from shared.web.server import main

if __name__ == "__main__":
    Command(
        prog="python -m services.stats", description=__doc__, settings=StatsSettings
    ).parse_args()
    main(StatsSettings, build)
