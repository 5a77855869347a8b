"""The site as its file describes it, and as pages show it. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Discriminator, Field, Tag

from services.render.site.addresses import Email, PathOrLink, Phone
from services.render.site.blocks import FRONT, FrontBlock
from services.render.site.colours import Colours
from services.render.site.hosts import picture_host
from services.render.site.images import SitePictureFile
from services.render.site.maps import SiteMap
from shared.base.site_basics import SiteBasics, SiteTable, as_rows
from shared.base.toml_lines import TomlKey
from shared.base.urls import origin_of
from shared.base.words import LongWords, ShortWords, SiteText


class WebLink(SiteTable):
    """A link in the side column or the menu."""

    name: ShortWords = Field(description="its text")
    url: PathOrLink = Field(description="a path or an address")


class Footer(SiteTable):
    """The foot of every page."""

    body: LongWords = Field(SiteText(""), description="the body in charge of the site")
    editor: LongWords = Field(SiteText(""), description="the editor in charge")
    licence: LongWords = Field(SiteText(""), description="number, date and issuer of the licence")
    address: LongWords = Field(SiteText(""), description="the postal address")
    phone: Phone | None = Field(None, description="the telephone number")
    email: Email | None = Field(None, description="the e-mail address")
    accessibility: PathOrLink | None = Field(
        None, description="the accessibility statement: a path or an address"
    )


def _data(value: dict[str, str]) -> dict[str, str]:
    for name in value:
        if not name.replace("-", "").isascii() or not name.replace("-", "").isalnum():
            raise ValueError(f"{name[:40]!r} must be a name of letters, digits and -")
    return value


class Analytics(SiteTable):
    """A script of another service that measures visits, such as Matomo's or Plausible's. Pages load
    no script of others without it.
    """

    script: PathOrLink = Field(description="the script's address")
    connect: Annotated[tuple[Annotated[str, AfterValidator(origin_of)], ...],
                       BeforeValidator(as_rows)] = Field(
        (), max_length=10, description="origins to which it sends, besides its own"
    )  # fmt: skip
    data: Annotated[dict[str, str], AfterValidator(_data)] = Field(
        {}, max_length=20, description="its `data-…` attributes, without `data-`"
    )

    @property
    def source(self) -> str:
        """The script's origin; empty if it is the site's own."""
        return "" if self.script.startswith("/") else origin_of(self.script)


@dataclass(frozen=True)
class MenuEntry:
    """An entry of the menu. `slug`: the section that it leads to; empty if it is none."""

    name: SiteText
    url: str
    slug: str = ""


def _form(entry: object) -> str:
    return "slug" if isinstance(entry, str) else "table"


MenuValue = Annotated[
    Annotated[str, Tag("slug")] | Annotated[WebLink, Tag("table")], Discriminator(_form)
]


class WholeSite(SiteBasics):
    """The site. Its address and time zone are those of the settings, see `site_of`."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    tagline: LongWords = Field(SiteText(""), description="a line under the name")
    logo: SitePictureFile | None = Field(None, description="a picture beside this file")
    colours: Colours = Field(Colours(), description="colours in place of the default ones")
    menu: Annotated[tuple[MenuValue, ...], BeforeValidator(as_rows), Field(max_length=30)] = Field(
        (),
        description="what the menu has after the front page: slugs of sections, or tables with "
        "name and url; empty: the sections that belong to no other",
    )
    links: Annotated[tuple[WebLink, ...], BeforeValidator(as_rows), Field(max_length=500)] = Field(
        (), description="web links in the side column"
    )
    map: SiteMap | None = Field(None, description="the map in the side column")
    footer: Footer = Field(Footer(), description="the foot of every page")
    front: Annotated[tuple[FrontBlock, ...], BeforeValidator(as_rows),
                     Field(min_length=1, max_length=30)] = Field(
        FRONT, description="the blocks of the front page, in their order"
    )  # fmt: skip
    baseline: Annotated[int, Field(ge=0, le=10**12)] = Field(
        0, description="visits of an earlier system that belong to no article, part of the total"
    )
    picture_hosts: Annotated[tuple[Annotated[str, AfterValidator(picture_host)], ...],
                             BeforeValidator(as_rows), Field(max_length=100)] = Field(
        (), description="hosts whose pictures pages show, such as `cdn.example.vn`"
    )  # fmt: skip
    analytics: Analytics | None = Field(
        None, description="a script of another service that measures visits"
    )

    @property
    def url(self) -> str:
        """The public address of the pages, without a slash at its end."""
        return self.base_url or ""

    @property
    def address(self) -> SiteText:
        """The postal address."""
        return self.footer.address

    @property
    def blocks(self) -> tuple[FrontBlock, ...]:
        """The blocks of the front page."""
        return self.front

    @property
    def logo_file(self) -> str:
        """The name of the static file with the logo."""
        return f"logo.{self.logo.kind}" if self.logo else "favicon.svg"

    @property
    def files(self) -> Mapping[str, bytes]:
        """The static files that are the site's own, by name."""
        found = {self.logo_file: self.logo.content} if self.logo else {}
        if self.map and self.map.picture:
            found[self.map.picture_file] = self.map.picture.content
        return found

    def prefix(self, language: str) -> str:
        """The prefix of the addresses of lists in `language`: empty for the first one."""
        return "" if language == self.language else f"/{language}"

    def in_every_language(self, path: str) -> dict[str, str]:
        """The paths of a list by language: `path` with each prefix; empty if the site has one
        language.
        """
        if len(self.languages) == 1:
            return {}
        return {language: quote(self.prefix(language) + path) for language in self.languages}

    @cached_property
    def entries(self) -> tuple[MenuEntry, ...]:
        """The entries of the menu."""
        given = self.menu or [each.slug for each in self.sections]
        return tuple(
            MenuEntry(self.section(each).name, f"/{each}/", each)
            if isinstance(each, str)
            else MenuEntry(each.name, each.url)
            for each in given
        )

    def faults(self) -> Iterator[tuple[TomlKey, str]]:
        """What doesn't fit together, by key."""
        yield from super().faults()
        unknown = "is no section of this file"
        for at, entry in enumerate(self.menu):
            if isinstance(entry, str) and entry not in self.section_tables:
                yield ("menu", at), f"{entry[:80]} {unknown}"
        yield from ((("colours", *key), told) for key, told in self.colours.faults())
        if self.map:
            yield from ((("map", *key), told) for key, told in self.map.faults())
        for at, block in enumerate(self.front):
            if block.kind == "section" and block.section not in self.section_tables:
                yield (
                    ("front", at, "section"),
                    f"{block.section[:80]} {unknown}" if block.section else "is missing",
                )
            if block.kind == "notice" and not block.text:
                yield ("front", at, "text"), "is missing"

    def as_settings(self) -> Mapping[str, Any]:
        """What the file says in place of settings, by their names. What it leaves out it says
        nothing of.
        """
        given = {
            "site_tagline": str(self.tagline),
            "site_address": str(self.address),
            "links": tuple((str(each.name), each.url) for each in self.links),
            "picture_hosts": self.picture_hosts,
            "site_baseline": self.baseline,
        }
        return {**super().as_settings(), **given}

    def key_of(self, setting: str) -> TomlKey:
        """The key that stands in place of a setting."""
        keys: dict[str, TomlKey] = {
            "site_tagline": ("tagline",),
            "site_address": ("footer", "address"),
            "site_baseline": ("baseline",),
        }
        return keys.get(setting) or super().key_of(setting)
