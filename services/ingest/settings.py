"""ingest's own settings, in addition to `shared.base.settings`."""

import re
import socket
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import NoDecode

from services.ingest.articles.reconcile import parse_subscribers
from services.ingest.reads.signs import ANY_PAGE
from services.ingest.tokens import Token, parse_tokens
from shared.base.settings import Folder, Sections, Settings
from shared.base.urls import origins
from shared.web.addresses import Network, networks


def _origins(value: object) -> object:
    return origins(value, ANY_PAGE, "null") if isinstance(value, str) else value


def _tokens(value: object) -> object:
    return parse_tokens(value) if isinstance(value, str) else value


def _subscribers(value: object) -> object:
    return parse_subscribers(value) if isinstance(value, str) else value


def _instance(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,62}", value):
        raise ValueError("must be 1-63 of a-z, 0-9 and -, and not begin with -")
    return value


class IngestSettings(Settings):
    """Settings of ingest."""

    port: int = Field(8001, ge=0, le=65535, description="TCP port to listen on; 0 is any free one")
    tokens: Annotated[tuple[Token, ...], NoDecode, BeforeValidator(_tokens)] = Field(
        (),
        repr=False,
        description="tokens that may write: name:scope+scope:sha256-of-the-token in hex, "
        "separated by commas; scopes are articles and reads; a name may have two while one "
        "replaces the other",
    )
    read_window: int = Field(
        1800,
        ge=0,
        le=86400,
        description="reload window in seconds: a visitor's second read is filtered; 0 is off",
    )
    read_window_entries: int = Field(
        200_000,
        ge=1,
        le=10_000_000,
        description="most reads that the window remembers, at least half as many; about 200 "
        "bytes each",
    )
    read_limit: int = Field(
        6000,
        ge=0,
        le=100_000_000,
        description="reads per minute and address, with a burst of as many after a quiet "
        "minute; 0 is off",
    )
    read_origins: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_origins)] = Field(
        (),
        description="origins whose pages may send reads, such as https://www.example.org, "
        "separated by commas; default: that of LUOTDOC_BASE_URL; * is any",
    )
    bot_filter: Literal["on", "off"] = Field(
        "on", description="whether bots are filtered by their user agent"
    )
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode, BeforeValidator(networks)] = Field(
        (),
        description="networks of proxies whose X-Forwarded-For or Forwarded is trusted, "
        "separated by commas",
    )
    instance: Annotated[str, AfterValidator(_instance)] = Field(
        default_factory=lambda: (
            re.sub(r"[^a-z0-9-]", "-", socket.gethostname().lower()).strip("-")[:63] or "ingest"
        ),
        description="name of this instance's spool, unique among instances that share a disk",
    )
    spool_dir: Folder = Field(
        Path("spool"),
        description="folder with a spool for each instance; it must outlive the process",
    )
    spool_max_bytes: int = Field(
        256 << 20,
        ge=1 << 16,
        le=1 << 40,
        description="bytes that the spool may take before reads are answered 503",
    )
    confirm_timeout: float = Field(
        2.0,
        gt=0,
        le=60,
        description="seconds to wait for a publisher confirm before a batch goes to the spool",
    )
    reconcile: Annotated[tuple[tuple[str, str], ...], NoDecode, BeforeValidator(_subscribers)] = (
        Field(
            (),
            description="subscribers to compare with the articles every 5 minutes: name=address "
            "of the state listing, separated by commas",
        )
    )
    sections: Sections = Field(
        (),
        description="the site's sections, as for render: slug=Name, separated by commas; an "
        "article in another section gets a warning; without sections there are no "
        "warnings",
    )
    max_article_bytes: int = Field(
        3 << 20, ge=1024, le=15 << 20, description="bytes that an article's JSON may have"
    )
    max_media_bytes: int = Field(
        8 << 20, ge=1024, le=15 << 20, description="bytes that a picture may have"
    )
