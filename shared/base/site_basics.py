"""What every service reads in the site's file: name, languages, sections, address, time zone.
render reads all of it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from luotdoc_subscriber.base.urls import http_url
from shared.base.path_names import RESERVED_SECTIONS
from shared.base.texts import SLUG, TimeZone
from shared.base.toml_lines import TomlKey
from shared.base.words import DEFAULT_LANGUAGES, LongWords, ShortWords, SiteText

MOST_SECTIONS = 200
NOTHING_SAID = SiteText("")
UNNAMED = SiteText("Tin khác", {"en": "Other news"})
"""The name of sections that the site doesn't name. Made from the slug it would lack its
diacritics."""


def as_rows(value: object) -> object:
    """A list as a tuple: strict validation would refuse it."""
    return tuple(value) if isinstance(value, list) else value


def _language(value: str) -> str:
    if not re.fullmatch(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?", value):
        raise ValueError("must be a language's tag (BCP 47), such as vi or en")
    return value


def _once(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        if values.count(value) > 1:
            raise ValueError(f"has {value} twice")
    return values


Languages = Annotated[
    tuple[Annotated[str, AfterValidator(_language)], ...],
    BeforeValidator(as_rows),
    Field(min_length=1, max_length=20),
    AfterValidator(_once),
]


class SiteTable(BaseModel):
    """A table of the site's file."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class SectionTable(SiteTable):
    """A section. Its slug is the table's key."""

    name: ShortWords = Field(description="what people call it")
    description: LongWords = Field(SiteText(""), description="a sentence under its name")
    within: str = Field("", description="the slug of the section that it belongs to")


@dataclass(frozen=True)
class SiteSection:
    """A section of the site, with those within it."""

    slug: str
    name: SiteText
    description: SiteText = NOTHING_SAID
    within: str = ""
    children: tuple["SiteSection", ...] = ()


class SiteBasics(BaseModel):
    """The keys of the site's file that every service reads. It ignores all others."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)

    languages: Languages = Field(
        DEFAULT_LANGUAGES,
        description="languages of the site, the first one without a prefix in addresses; the "
        "others have their lists under `/en/` and so on",
    )
    name: ShortWords = Field(description="the site's name")
    base_url: Annotated[str, AfterValidator(http_url)] | None = Field(
        None, description="public address of the pages, in place of `LUOTDOC_BASE_URL`"
    )
    time_zone: TimeZone | None = Field(
        None, description="the site's time zone, in place of `LUOTDOC_TIME_ZONE`"
    )
    section_tables: Annotated[dict[str, SectionTable], Field(max_length=MOST_SECTIONS)] = Field(
        {},
        validation_alias="sections",
        description="the sections in their order; the key is the slug, the first part of paths",
    )

    @cached_property
    def every_section(self) -> Mapping[str, SiteSection]:
        """All sections by slug, in the file's order."""
        return {slug: self._section(slug) for slug in self.section_tables}

    @cached_property
    def sections(self) -> tuple[SiteSection, ...]:
        """The sections that belong to no other."""
        return tuple(each for each in self.every_section.values() if not each.within)

    def section(self, slug: str) -> SiteSection:
        """The section `slug`. One that the site doesn't name is called `UNNAMED`."""
        return self.every_section.get(slug) or SiteSection(slug, UNNAMED)

    def within(self, slug: str) -> tuple[str, ...]:
        """The slugs of a section and of all sections within it."""
        found = [slug]
        for each in self.section(slug).children:
            found += self.within(each.slug)
        return tuple(found)

    def _section(self, slug: str) -> SiteSection:
        told = self.section_tables[slug]
        children = [key for key, each in self.section_tables.items() if each.within == slug]
        return SiteSection(
            slug, told.name, told.description, told.within, tuple(map(self._section, children))
        )

    @property
    def language(self) -> str:
        """The site's first language."""
        return self.languages[0]

    def language_of(self, tag: str) -> str:
        """The site's language for an article in the language `tag` (BCP 47): the first one if the
        site has no other for it.
        """
        for language in self.languages:
            if tag == language or tag.startswith(f"{language}-"):
                return language
        return self.language

    def faults(self) -> Iterator[tuple[TomlKey, str]]:
        """What doesn't fit together, by key."""
        for slug, told in self.section_tables.items():
            key: TomlKey = ("sections", slug)
            if not SLUG.fullmatch(slug) or len(slug) > 100:
                yield key, "must be a slug: a-z, 0-9 and single -, at most 100 characters"
            if slug in RESERVED_SECTIONS:
                yield key, f"{slug} is a path name of the system's own"
            if slug in self.languages[1:]:
                yield key, f"{slug} is the prefix of a language's lists"
            if told.within and told.within not in self.section_tables:
                yield (*key, "within"), f"{told.within[:80]} is no section of this file"
            elif circle := self._circle(slug):
                yield (*key, "within"), f"goes round in a circle: {' in '.join(circle)}"

    def _circle(self, slug: str) -> list[str]:
        """The sections from `slug` up to itself; empty if it is in no circle."""
        path, above = [slug], self.section_tables[slug].within
        while above in self.section_tables and above not in path:
            path.append(above)
            above = self.section_tables[above].within
        return [*path, above] if above == slug else []

    def as_settings(self) -> Mapping[str, Any]:
        """What the file says in place of settings, by their names."""
        given = {"base_url": self.base_url, "time_zone": self.time_zone}
        names = tuple((slug, str(told.name)) for slug, told in self.section_tables.items())
        return {
            **{name: value for name, value in given.items() if value is not None},
            "site_name": str(self.name),
            "sections": names,
        }

    def key_of(self, setting: str) -> TomlKey:
        """The key that stands in place of a setting."""
        return ({"site_name": "name"}.get(setting, setting),)
