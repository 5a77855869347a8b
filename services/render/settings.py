"""render's own settings, in addition to `shared.base.settings`: how the site looks."""

import re
from typing import Annotated, ClassVar

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import NoDecode

from luotdoc_subscriber.base.urls import http_url
from services.render.site.hosts import picture_host
from services.render.site.model import WholeSite
from shared.base.letters import one_form
from shared.base.settings import Pairs, SiteSettings
from shared.base.texts import Line
from shared.base.urls import link


def _links(value: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    for name, url in value:
        try:
            link(url)
        except ValueError as error:
            raise ValueError(f"the link {name} {error}") from None
    return tuple((one_form(name), url) for name, url in value)


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
    return tuple(picture_host(part) for part in value.split(",") if part.strip())


class RenderSettings(SiteSettings):
    """Settings of render."""

    site_model: ClassVar = WholeSite
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
    site_tagline: Line = Field(
        "",
        max_length=200,
        description="a line under the name",
    )
    site_address: Line = Field(
        "",
        max_length=500,
        description="the publisher's address, in the footer",
    )
    site_baseline: int = Field(
        0,
        ge=0,
        le=1_000_000_000_000,
        description="visits that an earlier system has counted for the whole site, in addition to "
        "those of its articles; part of the total in the side column",
    )
    links: Annotated[Pairs, AfterValidator(_links)] = Field(
        (),
        description="web links in the side column: Name=https://…, separated by commas",
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
