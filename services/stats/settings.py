"""Settings of stats; the rest stands in `shared/settings.py`."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field
from pydantic_settings import NoDecode

from shared.settings import Settings


def _origins(value: object) -> object:
    if not isinstance(value, str):
        return value
    origins = tuple(filter(None, (part.strip() for part in value.split(","))))
    for origin in origins:
        parts = urlsplit(origin)
        named = parts.scheme in ("http", "https") and parts.netloc and origin == f"{parts.scheme}://{parts.netloc}"
        if origin != "*" and not named:
            raise ValueError(f"{origin} must be an origin, such as https://example.vn, or *")
    return origins


class StatsSettings(Settings):
    """What stats is told."""

    port: int = Field(8003, ge=0, le=65535, description="TCP port to listen on; 0 is any free one")
    cors_origins: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_origins)] = Field(
        (),
        description="origins whose scripts may read /stats/: https://example.vn, separated by commas; * is every one",
    )
