"""Settings from `LUOTDOC_…` environment variables: those that every process has, and how a wrong one is told.

Each service adds its own in its `settings.py`. Units stand in the description of each field.
"""

import sys
from typing import Annotated, Literal, NoReturn, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PREFIX = "LUOTDOC_"


def _mongo_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"mongodb", "mongodb+srv"} or not parts.path.strip("/"):
        raise ValueError("must be mongodb://host[:port]/<database>?…, with the database's name")
    return value


def _amqp_url(value: str) -> str:
    if urlsplit(value).scheme not in {"amqp", "amqps"} or not urlsplit(value).hostname:
        raise ValueError("must be amqp://user:password@host[:port]/[vhost]")
    return value


def _http_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.netloc or parts.query or parts.fragment:
        raise ValueError("must be an absolute http:// or https:// address without a query")
    return value.rstrip("/")


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError("must be the name of a time zone, such as Asia/Ho_Chi_Minh") from error
    return value


def _pairs(value: object) -> object:
    if not isinstance(value, str):
        return value
    pairs = []
    for part in filter(None, (part.strip() for part in value.split(","))):
        key, found, name = part.partition("=")
        if not found or not key.strip() or not name.strip():
            raise ValueError("must be key=value, separated by commas")
        pairs.append((key.strip(), name.strip()))
    return tuple(pairs)


HttpUrl = Annotated[str, AfterValidator(_http_url)]
TimeZone = Annotated[str, AfterValidator(_zone)]
Pairs = Annotated[tuple[tuple[str, str], ...], NoDecode, BeforeValidator(_pairs)]


class SubscriberSettings(BaseSettings):
    """What every process is told, that of another team too."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, hide_input_in_errors=True)

    amqp_url: Annotated[str, AfterValidator(_amqp_url)] = Field(
        repr=False, description="RabbitMQ: amqp://user:password@host[:port]/[vhost]"
    )
    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(0, ge=0, le=65535, description="TCP port to listen on; 0 is any free one")
    schemas_url: HttpUrl = Field(
        "http://127.0.0.1:8001/schemas", description="address of ingest's /schemas, as subscribers reach it"
    )
    max_connections: int = Field(
        0,
        ge=0,
        le=1_000_000,
        description="HTTP connections open at once; 0 is 4096, or what the limit on open files leaves",
    )
    head_timeout: float = Field(
        10.0, ge=0.5, le=300, description="seconds in which a request's line and headers must have arrived"
    )
    keep_alive: float = Field(
        75.0, ge=1, le=3600, description="seconds that a connection may wait for its next request"
    )
    transfer_grace: float = Field(
        10.0, ge=0.5, le=600, description="seconds that a body may take to arrive, or an answer to be read, at any rate"
    )
    transfer_rate: int = Field(
        1024, ge=1, le=1 << 30, description="bytes per second at which, beyond those seconds, they must go on"
    )
    unread_max_bytes: int = Field(
        64 << 20, ge=1 << 20, le=1 << 40, description="bytes of answers that may wait for slow readers, all together"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="least level logged")


class Settings(SubscriberSettings):
    """What every service is told."""

    mongo_url: Annotated[str, AfterValidator(_mongo_url)] = Field(
        repr=False, description="MongoDB replica set: mongodb://host[:port]/database?replicaSet=…"
    )
    base_url: HttpUrl = Field("http://127.0.0.1:8000", description="public address of the pages")
    time_zone: TimeZone = Field("Asia/Ho_Chi_Minh", description="the site's time zone")
    hsts_seconds: int = Field(
        0, ge=0, le=63_072_000, description="seconds for which browsers shall use HTTPS alone; 0 says nothing of it"
    )
    heartbeat_interval: float = Field(
        10.0, ge=0.1, le=3600, description="seconds between a producer's heartbeats for one type of event"
    )


S = TypeVar("S", bound=BaseSettings)


def load(kind: type[S]) -> S:
    """Read `kind` from the environment, or end the process with a line per fault and no stack trace."""
    try:
        return kind()
    except ValidationError as error:
        _refuse(kind, error)


def _refuse(kind: type[BaseSettings], error: ValidationError) -> NoReturn:
    lines = ["The settings are not usable:"]
    for fault in error.errors(include_url=False, include_input=False):
        name = str(fault["loc"][0]) if fault["loc"] else "?"
        field = kind.model_fields.get(name)
        meaning = f" ({field.description})" if field and field.description else ""
        what = "is not set" if fault["type"] == "missing" else fault["msg"].removeprefix("Value error, ")
        lines.append(f"  {PREFIX}{name.upper()}: {what}{meaning}")
    sys.stderr.write("\n".join(lines) + "\n")
    raise SystemExit(2)
