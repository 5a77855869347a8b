"""The article that an editor sends, the body of `PUT /articles/{id}`:
its model and checks. Pure.
"""

import json
import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    StringConstraints,
)

from luotdoc_events.events import ARTICLE_ID
from services.ingest.articles.slug import MAX_SLUG
from services.ingest.articles.texts import (
    Filled,
    GivenAddress,
    GivenAddressOrNone,
    GivenText,
    InCharacters,
)
from shared.base.path_names import RESERVED_SECTIONS

Weight = Literal["major", "minor"]
MAX_BODY_BYTES = 1 << 20

_DATE_AND_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]")
_LEAP_SECOND = re.compile(r"(?<=\d\d:\d\d:)60")
_SLUG = r"^[a-z0-9]+(-[a-z0-9]+)*$"
_LANGUAGE = r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$"
_NAME = r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}"
_MEDIA_TYPE = rf"^({_NAME}/{_NAME})?$"


def _section(value: str) -> str:
    if value in RESERVED_SECTIONS:
        raise ValueError(f"{value} is a path name of the system's own")
    return value


def _body(value: str) -> str:
    if len(value.encode()) > MAX_BODY_BYTES:
        raise ValueError(f"must have at most {MAX_BODY_BYTES} bytes in UTF-8")
    return value


def _moment(value: datetime) -> datetime:
    try:
        moment = value.replace(microsecond=value.microsecond // 1000 * 1000).astimezone(UTC)
    except OverflowError:
        moment = None  # year 1 or 9999 across the calendar's end
    if moment is None or not 1900 <= moment.year <= 2900:
        raise ValueError("must lie between the years 1900 and 2900 (UTC)")
    return moment


def _rfc3339(value: object) -> object:
    # pydantic alone would take "5" for five seconds past 1970.
    if isinstance(value, str) and _DATE_AND_TIME.match(value):
        return _LEAP_SECOND.sub("59", value)  # Python has none
    raise ValueError("must be an RFC 3339 time, such as 2026-11-23T07:05:00+07:00")


def _whole(value: object) -> object:
    # To JSON Schema 7.0 is an integer; bool, a subclass of int, stays refused.
    return int(value) if isinstance(value, float) and value.is_integer() else value


def distinct(tags: list[str]) -> list[str]:
    """The tags without those that differ from an earlier one in nothing but capitals."""
    found: dict[str, str] = {}
    for tag in tags:
        found.setdefault(tag.casefold(), tag)
    return list(found.values())


Slug = Annotated[str, StringConstraints(pattern=_SLUG, max_length=MAX_SLUG)]
GivenMoment = Annotated[
    AwareDatetime, Strict(False), BeforeValidator(_rfc3339), AfterValidator(_moment)
]
GivenLanguage = Annotated[str, StringConstraints(pattern=_LANGUAGE)]
GivenNumber = Annotated[int, BeforeValidator(_whole), Field(ge=0, le=1 << 50)]
_AS_DECLARED = ConfigDict(extra="forbid", strict=True)
Tag = Annotated[Filled, StringConstraints(min_length=1, max_length=50), InCharacters]


class ImageInput(BaseModel):
    """The article's main picture."""

    model_config = _AS_DECLARED
    url: GivenAddress = Field(description="http(s) address, or a path from the root of the site")
    alt: Annotated[GivenText, StringConstraints(max_length=500), InCharacters] = ""
    caption: Annotated[GivenText, StringConstraints(max_length=1000), InCharacters] = ""
    credit: Annotated[GivenText, StringConstraints(max_length=200), InCharacters] = ""


class TranslationInput(BaseModel):
    """The same article in another language."""

    model_config = _AS_DECLARED
    language: GivenLanguage = Field(description="its language, a BCP 47 tag")
    article: Annotated[str, StringConstraints(pattern=ARTICLE_ID)] = Field(description="its id")


class AttachmentInput(BaseModel):
    """A file for readers, such as the text of a decree."""

    model_config = _AS_DECLARED
    url: GivenAddress = Field(description="http(s) address, or a path from the root of the site")
    title: Annotated[Filled, StringConstraints(min_length=1, max_length=300), InCharacters] = Field(
        description="what readers see, plain text"
    )
    type: Annotated[str, StringConstraints(pattern=_MEDIA_TYPE)] = Field(
        "", description="media type, such as application/pdf; empty if unknown"
    )
    size: GivenNumber = Field(0, description="bytes; 0 if unknown")


class ArticleInput(BaseModel):
    """An article as an editor sends it.
    Text is normalised to NFC and its white space to single spaces. An absent field has its default,
    whatever is stored; the descriptions name those that keep the stored value instead.
    """

    model_config = _AS_DECLARED
    title: Annotated[Filled, StringConstraints(min_length=1, max_length=300), InCharacters] = Field(
        description="plain text, 1 to 300 characters"
    )
    section: Annotated[Slug, AfterValidator(_section)] = Field(
        description="first part of the page's path",
        json_schema_extra={"not": {"enum": [*sorted(RESERVED_SECTIONS)]}},
    )
    body_html: Annotated[str, StringConstraints(min_length=1), AfterValidator(_body)] = Field(
        description=(
            "HTML of at most 1 MiB in UTF-8; unsafe and unknown parts are removed and named in "
            "`warnings`"
        )
    )
    lead: Annotated[GivenText, StringConstraints(max_length=2000), InCharacters] = ""
    tags: Annotated[list[Tag], Field(max_length=20)] = []
    byline: Annotated[GivenText, StringConstraints(max_length=200), InCharacters] = ""
    image: ImageInput | None = None
    language: GivenLanguage = "vi"
    topic: Annotated[GivenText, StringConstraints(max_length=100), InCharacters] = Field(
        "", description="name of the series that the article belongs to; empty: none"
    )
    pinned: bool = Field(False, description="true: at the top of lists")
    translations: Annotated[list[TranslationInput], Field(max_length=20)] = Field(
        [], description="the same article in other languages, one in each"
    )
    attachments: Annotated[list[AttachmentInput], Field(max_length=50)] = []
    audio: GivenAddressOrNone = Field(
        "",
        description="http(s) address of a recording of the article, or a path from the root of the "
        "site; empty: none",
    )
    slug: Slug | None = Field(None, description="default: made from the title")
    published_at: GivenMoment | None = Field(
        None,
        description="time of publication; a future time schedules the article; years 1900 to "
        "2900; default: the stored value, for a new article now",
    )
    reads_baseline: GivenNumber | None = Field(
        None,
        description="read count from an earlier system, kept apart from counted reads; default: "
        "the stored value, for a new article 0",
    )
    change: Weight | None = Field(
        None,
        description="minor: not worth telling readers, such as a corrected typo or an import of "
        "old articles; default: judged by what changed",
    )
    correction: (
        Annotated[Filled, StringConstraints(min_length=1, max_length=500), InCharacters] | None
    ) = Field(
        None,
        description="what was wrong and is right now, for readers of an article that was public; "
        "the change is then major, whatever `change` says; a request that changes nothing adds no "
        "correction",
    )

    @property
    def weight(self) -> Weight | None:
        """How much the change matters, as the editor says; None if not said."""
        return "major" if self.correction else self.change


_FIELDS = {
    name
    for model in (ArticleInput, ImageInput, TranslationInput, AttachmentInput)
    for name in model.model_fields
}
_QUOTED = [b'"%s"' % name.encode() for name in _FIELDS]


def one_of_each(translations: list[TranslationInput], own: str) -> list[TranslationInput]:
    """The translations without those in the article's `own` language or in that of an earlier
    one.
    """
    found: dict[str, TranslationInput] = {}
    for translation in translations:
        found.setdefault(translation.language.casefold(), translation)
    found.pop(own.casefold(), None)
    return list(found.values())


def given_twice(body: bytes) -> str | None:
    """The first field that stands twice in one object of an article's JSON: whichever were taken,
    the other would be lost.
    """
    if all(body.count(name) < 2 for name in _QUOTED):
        return None
    twice: list[str] = []

    def look(pairs: list[tuple[str, Any]]) -> None:
        names = [name for name, _ in pairs]
        twice.extend(name for name in dict.fromkeys(names) if names.count(name) > 1)

    json.loads(body, object_pairs_hook=look)
    return twice[0] if twice else None
