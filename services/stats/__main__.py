"""`python -m services.stats`: run the service."""

from services.stats.app import build
from services.stats.settings import StatsSettings
from shared.app import main

if __name__ == "__main__":
    main(StatsSettings, build)
