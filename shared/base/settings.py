"""Settings from `LUOTDOC_…` environment variables:
those of every process, and the errors for wrong ones.

Each service adds its own in its `settings.py`. The description of each field names its unit.
"""

import ast
import difflib
import os
import re
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal, NoReturn, TypeVar
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from shared.base import urls

PREFIX = "LUOTDOC_"


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


def _folder(value: object) -> object:
    if isinstance(value, str) and (
        not value.strip() or value != value.strip() or not value.isprintable()
    ):
        raise ValueError(
            "must be a folder's path; it is empty, or holds blanks at an end or invisible "
            "characters"
        )
    return value


def _listening(value: str) -> str:
    try:
        socket.getaddrinfo(value or "nothing", None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ValueError(
            "must be an address, or a name that this machine can resolve; 0.0.0.0 is all"
        ) from error
    return value


HttpUrl = Annotated[str, AfterValidator(urls.http_url)]
TimeZone = Annotated[str, AfterValidator(_zone)]
Pairs = Annotated[tuple[tuple[str, str], ...], NoDecode, BeforeValidator(_pairs)]
Sections = Annotated[Pairs, AfterValidator(_sections)]
Folder = Annotated[Path, BeforeValidator(_folder)]


class SubscriberSettings(BaseSettings):
    """Settings of every process, subscribers of other teams included."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, hide_input_in_errors=True)

    amqp_url: Annotated[str, AfterValidator(urls.amqp_url)] = Field(
        repr=False, description="RabbitMQ: amqp://user:password@host[:port]/[vhost]"
    )
    host: Annotated[str, AfterValidator(_listening)] = Field(
        "127.0.0.1", description="address to listen on"
    )
    port: int = Field(0, ge=0, le=65535, description="TCP port to listen on; 0 is any free one")
    schemas_url: HttpUrl = Field(
        "http://127.0.0.1:8001/schemas",
        description="public address of ingest's /schemas, which events refer to",
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
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="lowest level that is logged"
    )


class Settings(SubscriberSettings):
    """Settings of every service of ours."""

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


DESK = frozenset({"MONGOD", "RABBITMQ_SERVER"})
"""Variables of the local stack. Its services see them too, so they are not unknown."""

S = TypeVar("S", bound=BaseSettings)


def _to_stderr(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def load(kind: type[S], tell: Callable[[str], None] = _to_stderr) -> S:
    """Read `kind` from the environment.
    Ends the process with one line per fault, without a traceback.

    An unknown variable is only reported to `tell`:
    a release that is rolled back must start with the environment of the next one.
    """
    try:
        settings = kind()
    except ValidationError as error:
        _refuse(kind, error)
    for line in strangers(kind, os.environ):
        tell(line)
    return settings


def strangers(kind: type[BaseSettings], environ: Mapping[str, str]) -> Iterator[str]:
    """A line for each `LUOTDOC_…` variable that no process of the system knows,
    with the most similar known name.
    """
    known = {name.upper() for name in (*kind.model_fields, *Settings.model_fields)} | DESK
    told = sorted(name for name in environ if name.upper().startswith(PREFIX))
    if any(name.upper().removeprefix(PREFIX) not in known for name in told):
        known |= _of_services()
    for name in told:
        short = name.upper().removeprefix(PREFIX)
        if short not in known and not _service_link(name, environ):
            near = difflib.get_close_matches(short, known, n=1, cutoff=0.75)
            meant = f": is {PREFIX}{near[0]} meant?" if near else "; --help lists them"
            yield f"{name} is no setting and has no effect{meant}"


def _of_services() -> set[str]:
    """The names of all services' settings:
    processes that share an environment see those of the others.

    They are read from the source files, because `shared` may not import a service.
    Where the subscriber kit is installed alone there are none.
    """
    sources = (Path(__file__).parents[2] / "services").glob("*/settings.py")
    nodes = (
        node for path in sources for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    )
    return {
        n.target.id.upper()
        for n in nodes
        if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)
    }


def _service_link(name: str, environ: Mapping[str, str]) -> bool:
    """True if Kubernetes has set the variable `name`, for a Service called `luotdoc-…`."""
    port = r"SERVICE_PORT(_.+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?"
    return any(
        re.fullmatch(
            rf"{re.escape(host.removesuffix('_SERVICE_HOST'))}_(SERVICE_HOST|{port})", name
        )
        for host in environ
        if host.endswith("_SERVICE_HOST")
    )


def _refuse(kind: type[BaseSettings], error: ValidationError) -> NoReturn:
    lines = ["The settings are not usable:"]
    for fault in error.errors(include_url=False, include_input=False):
        name = str(fault["loc"][0]) if fault["loc"] else "?"
        field = kind.model_fields.get(name)
        meaning = f" ({field.description})" if field and field.description else ""
        what = (
            "is not set"
            if fault["type"] == "missing"
            else fault["msg"].removeprefix("Value error, ")
        )
        if name == "port" and os.environ.get("LUOTDOC_PORT", "").startswith("tcp://"):
            what = (
                "was set by Kubernetes for a Service called luotdoc: set it yourself, or "
                "enableServiceLinks: false"
            )
        lines.append(f"  {PREFIX}{name.upper()}: {what}{meaning}")
    lines += [f"  {line}" for line in strangers(kind, os.environ)]
    sys.stderr.write("\n".join(lines) + "\n")
    raise SystemExit(2)
