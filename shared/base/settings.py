"""Settings from `LUOTDOC_…` environment variables:
those of every service of ours.

Each service adds its own in its `settings.py`. The description of each field names its unit.
"""

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    InstanceOf,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode

from luotdoc_subscriber.base import settings
from luotdoc_subscriber.base.settings import HttpUrl, SubscriberSettings
from shared.base import urls
from shared.base.letters import one_form
from shared.base.path_names import RESERVED_SECTIONS
from shared.base.site_basics import SiteBasics
from shared.base.site_file import SiteFile, read_site
from shared.base.texts import SLUG, Line, TimeZone
from shared.base.tracing import TracingSettings


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
        if not SLUG.fullmatch(slug):
            raise ValueError(
                f"{slug[:80]!r} is no slug: write kinh-te=Kinh tế, with a-z, 0-9 and single -"
            )
        if slugs.count(slug) > 1:
            raise ValueError(f"the section {slug} is given twice")
        if slug in RESERVED_SECTIONS:
            raise ValueError(f"{slug} is a path name of the system's own, and can't be a section")
    return tuple((slug, one_form(name)) for slug, name in pairs)


def _folder(value: object) -> object:
    if isinstance(value, str) and (
        not value.strip() or value != value.strip() or not value.isprintable()
    ):
        raise ValueError(
            "must be a folder's path; it is empty, or holds blanks at an end or invisible "
            "characters"
        )
    return value


Pairs = Annotated[tuple[tuple[str, str], ...], NoDecode, BeforeValidator(_pairs)]
Sections = Annotated[Pairs, AfterValidator(_sections)]
Folder = Annotated[Path, BeforeValidator(_folder)]


SitePath = Annotated[InstanceOf[SiteFile] | None, NoDecode]
"""The site's file, given as its path."""


class Settings(TracingSettings, SubscriberSettings):
    """Settings of every service of ours."""

    site_model: ClassVar[type[SiteBasics]] = SiteBasics
    """What the service reads in the site's file."""

    # Before all settings in whose place the file may stand: they are compared with it.
    site: SitePath = Field(
        None,
        description="the site's file, site.toml; its keys stand in place of LUOTDOC_BASE_URL, "
        "LUOTDOC_TIME_ZONE, LUOTDOC_SITE_NAME, LUOTDOC_SECTIONS and other settings of the site",
    )
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

    @field_validator("site", mode="before")
    @classmethod
    def _read(cls, value: object) -> object:
        if value is None or value == "":
            return None
        if isinstance(value, str) and (value != value.strip() or not value.isprintable()):
            raise ValueError("must be a file's path; it holds invisible characters")
        return read_site(Path(value), cls.site_model) if isinstance(value, str | Path) else value

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Take from the site's file what is not given besides it."""
        try:
            site = cls._read(given.get("site"))
        except ValueError:
            return given  # the field says why
        if not isinstance(site, SiteFile):
            return given
        told = {name: site.settings[name] for name in cls.model_fields.keys() & site.settings}
        site = replace(site, given=frozenset(given))
        return {**told, **given, "site": site}

    @field_validator("*")
    @classmethod
    def _agrees(cls, value: Any, info: ValidationInfo) -> Any:
        site = info.data.get("site")
        if site and site.settings.get(info.field_name, value) != value:
            told = site.settings[info.field_name]
            raise ValueError(f"contradicts {site.path}, which says {told!r}: leave one out")
        return value


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
        if isinstance(n, ast.AnnAssign)
        and isinstance(n.target, ast.Name)
        and ast.unparse(n.annotation) != "ClassVar"
    }
    own = {name.removeprefix(settings.PREFIX) for name in settings.variables(SiteSettings)}
    return found | own | DESK
