"""stats' own settings, in addition to `shared.base.settings`."""

from typing import Annotated

from pydantic import BeforeValidator, Field
from pydantic_settings import NoDecode

from shared.base.settings import SiteSettings
from shared.base.urls import origins
from shared.web.addresses import Network, networks
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
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode, BeforeValidator(networks)] = Field(
        (),
        description="networks of proxies whose X-Forwarded-For or Forwarded is trusted, "
        "separated by commas",
    )
    live_listeners: int = Field(
        10_000,
        ge=0,
        le=1_000_000,
        description="open pages that may follow /stats/live; about 16 KB each",
    )
    live_per_address: int = Field(
        200,
        ge=0,
        le=1_000_000,
        description="those of one address among them; 0 is no limit",
    )
