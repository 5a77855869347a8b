"""What render is told, beyond `shared.base.settings`: the face of the site."""

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import NoDecode

from shared.base.settings import Pairs, Settings


def _links(value: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    for name, url in value:
        if not url.startswith(("https://", "http://")):
            raise ValueError(f"the link {name} must be an http(s) address")
    return value


def _hosts(value: object) -> object:
    if not isinstance(value, str):
        return value
    hosts = tuple(filter(None, (part.strip().lower() for part in value.split(","))))
    for host in hosts:
        if not re.fullmatch(r"(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*(:[0-9]{1,5})?", host):
            raise ValueError(f"{host} must be a host, such as cdn.example.vn or *.example.vn")
    return hosts


class RenderSettings(Settings):
    """render's own settings."""

    port: int = Field(8000, ge=0, le=65535, description="TCP port to listen on; 0 is any free one")
    reads_url: str = Field(
        "/reads",
        pattern=r"^(https?://[^\s\"'<>;,]+|/[^\s\"'<>;,]*)$",
        description="where pages send their reads: ingest's address of the beacon, as readers reach it",
    )
    site_name: str = Field("Cổng thông tin điện tử", min_length=1, max_length=200, description="the site's name")
    site_tagline: str = Field("", max_length=200, description="a line under the name")
    site_address: str = Field("", max_length=500, description="the publisher's address, in the footer")
    sections: Pairs = Field((), description="sections in the navigation: slug=Name, separated by commas")
    links: Annotated[Pairs, AfterValidator(_links)] = Field(
        (), description="web links in the side column: Name=https://…, separated by commas"
    )
    picture_hosts: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_hosts)] = Field(
        (),
        description="hosts whose pictures pages show: cdn.example.vn or *.example.vn, separated by commas; "
        "pictures of other hosts become links",
    )
    cache_pages: int = Field(2000, ge=0, le=1_000_000, description="pages kept in memory, about 50 KB each")
    stale_pages: int = Field(
        300,
        ge=0,
        le=86400,
        description="seconds for which pages in memory are served while MongoDB gives no answer; 0 is not at all",
    )
