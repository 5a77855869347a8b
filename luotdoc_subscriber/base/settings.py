"""Settings from `LUOTDOC_…` environment variables:
those of a subscriber, and the errors for wrong ones.

A subscriber adds its own in a subclass. The description of each field names its unit.
"""

import difflib
import os
import re
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Literal, NoReturn, TypeVar

from pydantic import AfterValidator, Field, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, SettingsConfigDict

from luotdoc_subscriber.base import urls

PREFIX = "LUOTDOC_"


def _listening(value: str) -> str:
    try:
        socket.getaddrinfo(value or "nothing", None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ValueError(
            "must be an address, or a name that this machine can resolve; 0.0.0.0 is all"
        ) from error
    return value


HttpUrl = Annotated[str, AfterValidator(urls.http_url)]


class BrokerSettings(BaseSettings):
    """Settings of a subscriber's commands."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, hide_input_in_errors=True)

    amqp_url: Annotated[str, AfterValidator(urls.amqp_url)] = Field(
        repr=False, description="RabbitMQ: amqp://user:password@host[:port]/[vhost]"
    )


class SubscriberSettings(BrokerSettings):
    """Settings of a subscriber's process."""

    host: Annotated[str, AfterValidator(_listening)] = Field(
        "127.0.0.1", description="address to listen on"
    )
    port: int = Field(0, ge=0, le=65535, description="TCP port to listen on; 0 is any free one")
    schemas_url: HttpUrl = Field(
        "http://127.0.0.1:8001/schemas",
        description="public address of ingest's /schemas, which events refer to",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="lowest level that is logged"
    )


S = TypeVar("S", bound=BaseSettings)


def to_stderr(line: str) -> None:
    """Write `line` to standard error."""
    sys.stderr.write(f"{line}\n")


def variables(kind: type[BaseSettings]) -> dict[str, FieldInfo]:
    """The fields of `kind` by their environment variables: `LUOTDOC_…`, or a standard one that a
    field names as its alias.
    """
    return {
        str(field.validation_alias or f"{PREFIX}{name.upper()}"): field
        for name, field in kind.model_fields.items()
    }


def load(
    kind: type[S],
    tell: Callable[[str], None] = to_stderr,
    others: Callable[[], set[str]] = set,
) -> S:
    """Read `kind` from the environment.
    Ends the process with one line per fault, without a traceback.

    An unknown variable is only reported to `tell`:
    a release that is rolled back must start with the environment of the next one.
    `others` answers the names of settings of other processes that share the environment.
    """
    try:
        settings = kind()
    except ValidationError as error:
        _refuse(kind, error, others)
    for line in strangers(kind, os.environ, others):
        tell(line)
    return settings


def strangers(
    kind: type[BaseSettings],
    environ: Mapping[str, str],
    others: Callable[[], set[str]] = set,
) -> Iterator[str]:
    """A line for each `LUOTDOC_…` variable that is neither a setting of `kind` nor in `others`,
    with the most similar known name. `others` is called only if `kind` doesn't know them all.
    """
    known = {name.removeprefix(PREFIX) for name in variables(kind) if name.startswith(PREFIX)}
    told = sorted(name for name in environ if name.upper().startswith(PREFIX))
    if any(name.upper().removeprefix(PREFIX) not in known for name in told):
        known |= others()
    for name in told:
        short = name.upper().removeprefix(PREFIX)
        if short not in known and not _service_link(name, environ):
            near = difflib.get_close_matches(short, known, n=1, cutoff=0.75)
            meant = f": is {PREFIX}{near[0]} meant?" if near else "; --help lists them"
            yield f"{name} is no setting and has no effect{meant}"


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


def _refuse(
    kind: type[BaseSettings], error: ValidationError, others: Callable[[], set[str]]
) -> NoReturn:
    lines = ["The settings are not usable:"]
    for fault in error.errors(include_url=False, include_input=False):
        name = str(fault["loc"][0]) if fault["loc"] else "?"
        # The place of a fault is the variable for an alias, else the field.
        field = variables(kind).get(name) or kind.model_fields.get(name)
        variable = name if name in variables(kind) else f"{PREFIX}{name.upper()}"
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
        what, *more = what.split("\n")
        lines.append(f"  {variable}: {what}{meaning}")
        lines += [f"    {line}" for line in more]
    lines += [f"  {line}" for line in strangers(kind, os.environ, others)]
    sys.stderr.write("\n".join(lines) + "\n")
    raise SystemExit(2)
