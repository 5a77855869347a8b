"""render's own settings, in addition to `shared.base.settings`: how the site looks."""

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import NoDecode

from luotdoc_subscriber.base.urls import http_url
from shared.base.settings import Line, Pairs, SiteSettings
from shared.base.urls import link

_LABEL = "[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"


def _links(value: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    for name, url in value:
        try:
            link(url)
        except ValueError as error:
            raise ValueError(f"the link {name} {error}") from None
    return value


def _address(value: str) -> str:
    if not re.fullmatch(r"(https?:/)?/[^\s\"'<>;,/\\][^\s\"'<>;,\\]*", value):
        raise ValueError(
            "must be a path such as /reads, or an http(s) address without spaces, quotes, ; , < "
            "> and \\"
        )
    return value if value.startswith("/") else http_url(value)


def _address_or_none(value: str) -> str:
    return _address(value).rstrip("/") if value else value


def _hosts(value: object) -> object:
    if not isinstance(value, str):
        return value
    hosts = tuple(filter(None, (part.strip().lower() for part in value.split(","))))
    for host in hosts:
        port = host.partition(":")[2]
        if (
            not re.fullmatch(rf"(\*\.)?{_LABEL}(\.{_LABEL})*(:[1-9][0-9]{{0,4}})?", host)
            or int(port or 1) > 65535
        ):
            raise ValueError(
                f"{host[:100]!r} must be a host, such as cdn.example.vn or *.example.vn"
            )
    return hosts


class RenderSettings(SiteSettings):
    """Settings of render."""

    port: int = Field(8000, ge=0, le=65535, description="TCP port to listen on; 0 is any free one")
    reads_url: Annotated[str, AfterValidator(_address)] = Field(
        "/reads",
        description=(
            "where pages send their reads: ingest's address of the beacon, as readers reach it"
        ),
    )
    live_url: Annotated[str, AfterValidator(_address_or_none)] = Field(
        "",
        description=(
            "where open article pages follow their read counts: stats' address of /stats/live, as "
            "readers reach it; empty: they don't, and hold no connection"
        ),
    )
    stats_url: Annotated[str, AfterValidator(_address_or_none)] = Field(
        "",
        description=(
            "stats' /stats as readers reach it, to which a page's read count links; empty: no link"
        ),
    )
    site_tagline: Line = Field("", max_length=200, description="a line under the name")
    site_address: Line = Field(
        "", max_length=500, description="the publisher's address, in the footer"
    )
    links: Annotated[Pairs, AfterValidator(_links)] = Field(
        (), description="web links in the side column: Name=https://…, separated by commas"
    )
    picture_hosts: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_hosts)] = Field(
        (),
        description="hosts whose pictures pages show: cdn.example.vn or *.example.vn, separated "
        "by commas; pictures of other hosts become links",
    )
    cache_pages: int = Field(
        2000, ge=0, le=1_000_000, description="pages kept in memory, about 50 KB each"
    )
    stale_pages: int = Field(
        300,
        ge=0,
        le=86400,
        description="seconds for which pages in memory are served while MongoDB gives no "
        "answer; 0 is not at all",
    )
