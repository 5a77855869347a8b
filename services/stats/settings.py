"""Settings of stats; the rest stands in `shared/settings.py`."""

from pydantic import Field

from shared.settings import Settings


class StatsSettings(Settings):
    """What stats is told."""

    port: int = Field(8003, ge=0, le=65535, description="TCP port to listen on; 0 is any free one")
