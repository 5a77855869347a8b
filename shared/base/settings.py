"""Settings from `LUOTDOC_…` environment variables:
those of every service of ours.

Each service adds its own in its `settings.py`. The description of each field names its unit.
"""

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, TypeVar
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import BaseSettings, NoDecode

from luotdoc_subscriber.base import settings
from luotdoc_subscriber.base.settings import HttpUrl, SubscriberSettings
from shared.base import urls
from shared.base.tracing import TracingSettings


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


def _sections(pairs: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    slugs = [slug for slug, _ in pairs]
    for slug in slugs:
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug):
            raise ValueError(
                f"{slug[:80]!r} is no slug: write kinh-te=Kinh tế, with a-z, 0-9 and single -"
            )
        if slugs.count(slug) > 1:
            raise ValueError(f"the section {slug} is given twice")
    return pairs


def _line(value: object) -> object:
    line = " ".join(value.split()) if isinstance(value, str) else value
    if isinstance(line, str) and not line.isprintable():
        raise ValueError(
            "must be a line of text; it holds control characters, or others that can't be seen"
        )
    return line


def _folder(value: object) -> object:
    if isinstance(value, str) and (
        not value.strip() or value != value.strip() or not value.isprintable()
    ):
        raise ValueError(
            "must be a folder's path; it is empty, or holds blanks at an end or invisible "
            "characters"
        )
    return value


TimeZone = Annotated[str, AfterValidator(_zone)]
Pairs = Annotated[tuple[tuple[str, str], ...], NoDecode, BeforeValidator(_pairs)]
Sections = Annotated[Pairs, AfterValidator(_sections)]
Folder = Annotated[Path, BeforeValidator(_folder)]
Line = Annotated[str, BeforeValidator(_line)]


class Settings(TracingSettings, SubscriberSettings):
    """Settings of every service of ours."""

    max_connections: int = Field(
        0,
        ge=0,
        le=1_000_000,
        description=(
            "open HTTP connections; 0 is 4096, or fewer if the limit on open files needs it"
        ),
    )
    head_timeout: float = Field(
        10.0,
        ge=0.5,
        le=300,
        description="seconds in which a request's line and headers must arrive",
    )
    keep_alive: float = Field(
        75.0, ge=1, le=3600, description="seconds that a connection may wait for its next request"
    )
    transfer_grace: float = Field(
        10.0,
        ge=0.5,
        le=600,
        description="seconds that a body may take to arrive, or an answer to be read, at any rate",
    )
    transfer_rate: int = Field(
        1024,
        ge=1,
        le=1 << 30,
        description="bytes per second at which a body or answer must move after those seconds",
    )
    unread_max_bytes: int = Field(
        64 << 20,
        ge=1 << 20,
        le=1 << 40,
        description="bytes of all answers together that slow clients have not read",
    )
    mongo_url: Annotated[str, AfterValidator(urls.mongo_url)] = Field(
        repr=False, description="MongoDB replica set: mongodb://host[:port]/database?replicaSet=…"
    )
    base_url: HttpUrl = Field("http://127.0.0.1:8000", description="public address of the pages")
    time_zone: TimeZone = Field("Asia/Ho_Chi_Minh", description="the site's time zone")
    hsts_seconds: int = Field(
        0,
        ge=0,
        le=63_072_000,
        description="seconds for which browsers must use HTTPS only; 0 sends no such header",
    )
    heartbeat_interval: float = Field(
        10.0,
        ge=0.1,
        le=3600,
        description="seconds between a producer's heartbeats for one event type",
    )


class SiteSettings(Settings):
    """Settings of the services that have pages of the site."""

    site_name: Line = Field(
        "Cổng thông tin điện tử", min_length=1, max_length=200, description="the site's name"
    )
    sections: Sections = Field(
        (), description="sections of the site: slug=Name, separated by commas"
    )


DESK = frozenset({"MONGOD", "RABBITMQ_SERVER"})
"""Variables of the local stack. Its services see them too, so they are not unknown."""

S = TypeVar("S", bound=BaseSettings)


def load_settings(kind: type[S], tell: Callable[[str], None] = settings.to_stderr) -> S:
    """Read `kind` from the environment, as `luotdoc_subscriber.base.settings.load` does. It knows
    the settings of all services.
    """
    return settings.load(kind, tell, of_services)


def strangers(kind: type[BaseSettings], environ: Mapping[str, str]) -> Iterator[str]:
    """A line for each `LUOTDOC_…` variable that no process of the system knows."""
    return settings.strangers(kind, environ, of_services)


def of_services() -> set[str]:
    """The names of all services' settings:
    processes that share an environment see those of the others.

    They are read from the source files, because `shared` may not import a service.
    """
    sources = (Path(__file__).parents[2] / "services").glob("*/settings.py")
    nodes = (
        node for path in sources for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    )
    found = {
        n.target.id.upper()
        for n in nodes
        if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)
    }
    own = {name.removeprefix(settings.PREFIX) for name in settings.variables(SiteSettings)}
    return found | own | DESK
