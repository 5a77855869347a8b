"""The map in the side column: a drawing or a picture, and where its districts lead. Pure."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import Field, InstanceOf, PlainValidator, ValidationInfo

from services.render.keys import tag_key
from services.render.site.addresses import PathOrLink
from services.render.site.drawing import Area, Drawing, NoDrawing, drawn, read_drawing
from services.render.site.images import SitePictureFile
from shared.base.site_basics import SiteTable
from shared.base.site_file import beside_file
from shared.base.texts import Line
from shared.base.toml_lines import TomlKey
from shared.base.words import LongWords, ShortWords, SiteText

MOST_DRAWING_BYTES = 64 << 10
"""A drawing stands in every page."""


def _drawing(value: Any, info: ValidationInfo) -> Drawing:
    if isinstance(value, Drawing):
        return value
    content = beside_file(value, info, MOST_DRAWING_BYTES)
    try:
        return read_drawing(value, content)
    except NoDrawing as error:
        raise ValueError(f"{value}, {error}") from None


DrawingFile = Annotated[InstanceOf[Drawing], PlainValidator(_drawing)]


class District(SiteTable):
    """A district, or another area of the map. Its key is the id of its element in the drawing."""

    name: ShortWords = Field(description="what people call it")
    url: PathOrLink | None = Field(None, description="where it leads: a path or an address")
    tag: Line = Field("", max_length=50, description="a tag: it leads to the tag's articles")

    def leads_to(self, prefix: str) -> str:
        """Its address in lists with the language's `prefix`; empty if it leads nowhere."""
        return f"{prefix}/tu-khoa/{quote(tag_key(self.tag))}/" if self.tag else self.url or ""


class SiteMap(SiteTable):
    """The map in the side column."""

    title: ShortWords = Field(description="its heading")
    description: LongWords = Field(
        SiteText(""), description="what it shows, for people who don't see"
    )
    file: DrawingFile | None = Field(
        None, description="an SVG file beside this one, at most 64 KiB, without scripts and styles"
    )
    picture: SitePictureFile | None = Field(
        None, description="a picture beside this file, in place of a drawing"
    )
    alt: LongWords = Field(SiteText(""), description="of `picture`: what it shows")
    districts: dict[str, District] = Field(
        {}, max_length=300, description="areas with a name, by the id of their element"
    )

    def faults(self) -> Iterator[tuple[TomlKey, str]]:
        """What doesn't fit together, by key."""
        if (self.file is None) == (self.picture is None):
            yield (), "must have one of file and picture"
        if self.picture and not self.alt:
            yield (), "must have alt, what the picture shows"
        for key, district in self.districts.items():
            if self.file and key not in self.file.areas:
                yield ("districts", key), f"is no id of an element in {self.file.name}"
            if district.tag and district.url:
                yield ("districts", key), "must have one of url and tag"
            if district.tag and not tag_key(district.tag):
                yield ("districts", key, "tag"), "must have letters or digits"

    @property
    def picture_file(self) -> str:
        """The name of the static file with the picture; empty if the map is a drawing."""
        return f"map.{self.picture.kind}" if self.picture else ""

    def areas(self, language: str, prefix: str) -> Mapping[str, Area]:
        """The districts in `language`."""
        return {
            key: Area(each.name.said_in(language), each.leads_to(prefix))
            for key, each in self.districts.items()
        }

    @cached_property
    def _drawn(self) -> dict[str, str]:
        return {}

    def drawing(self, language: str, prefix: str) -> str:
        """The SVG as it stands in lists of `language`; empty if the map is a picture."""
        if self.file is None:
            return ""
        if language not in self._drawn:
            title, about = self.title.said_in(language), self.description.said_in(language)
            self._drawn[language] = drawn(self.file, title, about, self.areas(language, prefix))
        return self._drawn[language]
