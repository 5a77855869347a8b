"""stats' own settings, in addition to `shared.base.settings`."""

from typing import Annotated

from pydantic import BeforeValidator, Field
from pydantic_settings import NoDecode

from shared.base.settings import SiteSettings
from shared.base.urls import origins
from shared.web.cors import ANY_ORIGIN


def _origins(value: object) -> object:
    return origins(value, ANY_ORIGIN) if isinstance(value, str) else value


class StatsSettings(SiteSettings):
    """Settings of stats."""

    port: int = Field(8003, ge=0, le=65535, description="TCP port to listen on; 0 is any free one")
    cors_origins: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_origins)] = Field(
        (),
        description=(
            "origins whose scripts may read /stats/: https://example.vn, separated by commas; * "
            "is every one"
        ),
    )
