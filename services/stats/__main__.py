"""`python -m services.stats`: run the service."""

from services.stats.app import build
from services.stats.settings import StatsSettings
from shared.base.command import Command
from shared.web.server import main

if __name__ == "__main__":
    Command(
        prog="python -m services.stats", description=__doc__, settings=StatsSettings
    ).parse_args()
    main(StatsSettings, build)
