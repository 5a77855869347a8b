"""The article that an editor sends, the body of `PUT /articles/{id}`:
its model and checks. Pure.
"""

import re
import unicodedata
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    Strict,
    StringConstraints,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from services.ingest.articles.body.characters import FORBIDDEN, fewer_marks, shows
from services.ingest.articles.body.links import reachable
from services.ingest.articles.slug import MAX_SLUG

Weight = Literal["major", "minor"]
MAX_BODY_BYTES = 1 << 20

RESERVED_SECTIONS = frozenset(
    "admin api articles docs events feed health healthz livez media metrics openapi reads "
    "readyz redoc robots schemas sitemap state static stats".split()
)
"""The system's own path names behind the gateway; a section can't have one of these names."""

_OVERRIDES = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""Bidirectional embeddings, overrides and isolates:
they would reverse the text after them on the page."""
_UNSEEN_ENDS = " \u00ad\u200b\u2060\ufeff"
_DATE_AND_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]")
_LEAP_SECOND = re.compile(r"(?<=\d\d:\d\d:)60")
_SLUG = r"^[a-z0-9]+(-[a-z0-9]+)*$"
_ADDRESS = re.compile(r"(https?://(?=[^/])|/(?![/\\]))[^\s\"'<>\\\x00-\x1f\x7f-\x9f]*")


# What the validators below refuse, as JSON Schema says it.
_CONTROLS = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff"
_CLEAN: dict[str, JsonValue] = {"pattern": rf"^[^{_CONTROLS}]*$"}
_FILLED: dict[str, JsonValue] = {
    "pattern": rf"^[^{_CONTROLS}]*[^{_CONTROLS}\s\xa0][^{_CONTROLS}]*$"
}
_LEADS_SOMEWHERE: dict[str, JsonValue] = {
    "pattern": r"^(https?://[^/\s\"'<>\\][^\s\"'<>\\]*|/([^/\s\"'<>\\][^\s\"'<>\\]*)?)$"
}


def _text(value: str) -> str:
    """One line of text in NFC, with single spaces, without direction overrides.
    Refuses text with nothing visible.
    """
    value, _ = fewer_marks(unicodedata.normalize("NFC", value))
    if FORBIDDEN.search(value):
        raise ValueError("must not contain control characters")
    if value.split() and not shows(value):
        raise ValueError("must not be blank: it has only characters that can't be seen")
    return " ".join(_OVERRIDES.sub("", value).split()).strip(_UNSEEN_ENDS)


def _in_characters(value: object, handler: ValidatorFunctionWrapHandler) -> object:
    # Behind a validator of ours pydantic calls the characters of a text "items".
    try:
        return handler(value)
    except ValidationError as error:
        fault = error.errors()[0]
        if fault["type"] == "too_long" and isinstance(value, str):
            most, has = fault["ctx"]["max_length"], fault["ctx"]["actual_length"]
            raise ValueError(f"must have at most {most} characters, not {has}") from None
        raise


def _filled(value: str) -> str:
    if not value:
        raise ValueError("must not be blank")
    return value


def _address(value: str) -> str:
    if not _ADDRESS.fullmatch(value):
        raise ValueError("must be an http(s) address, or a path that starts with one slash")
    if not value.startswith("/") and not reachable(value):
        raise ValueError("must have a host and a port that can exist")
    return value


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


def given_twice(body: bytes) -> str | None:
    """The first field that stands twice in the JSON of an article: whichever were taken, the other
    would be lost.

    Within a string of JSON a quote has a backslash before it, so that no text looks like a field.
    """
    for name in (*ArticleInput.model_fields, *ImageInput.model_fields):
        field = b'"%s"' % name.encode()
        if body.count(field) > 1 and len(re.findall(rb"[{,\s]%s\s*:" % field, body)) > 1:
            return name
    return None


GivenText = Annotated[str, AfterValidator(_text), Field(json_schema_extra=_CLEAN)]
Slug = Annotated[str, StringConstraints(pattern=_SLUG, max_length=MAX_SLUG)]
GivenMoment = Annotated[
    AwareDatetime, Strict(False), BeforeValidator(_rfc3339), AfterValidator(_moment)
]
Filled = Annotated[
    str, AfterValidator(_text), AfterValidator(_filled), Field(json_schema_extra=_FILLED)
]
_AS_DECLARED = ConfigDict(extra="forbid", strict=True)
_InCharacters = WrapValidator(_in_characters)
Tag = Annotated[Filled, StringConstraints(min_length=1, max_length=50), _InCharacters]


class ImageInput(BaseModel):
    """The article's main picture."""

    model_config = _AS_DECLARED
    url: Annotated[str, StringConstraints(max_length=2000), AfterValidator(_address)] = Field(
        description="http(s) address, or a path from the root of the site",
        json_schema_extra=_LEADS_SOMEWHERE,
    )
    alt: Annotated[GivenText, StringConstraints(max_length=500), _InCharacters] = ""
    caption: Annotated[GivenText, StringConstraints(max_length=1000), _InCharacters] = ""
    credit: Annotated[GivenText, StringConstraints(max_length=200), _InCharacters] = ""


class ArticleInput(BaseModel):
    """An article as an editor sends it.
    Text is normalised to NFC and its white space to single spaces.
    """

    model_config = _AS_DECLARED
    title: Annotated[Filled, StringConstraints(min_length=1, max_length=300), _InCharacters] = (
        Field(description="plain text, 1 to 300 characters")
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
    lead: Annotated[GivenText, StringConstraints(max_length=2000), _InCharacters] = ""
    tags: Annotated[list[Tag], Field(max_length=20)] = []
    byline: Annotated[GivenText, StringConstraints(max_length=200), _InCharacters] = ""
    image: ImageInput | None = None
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$")] = (
        "vi"
    )
    slug: Slug | None = Field(None, description="default: made from the title")
    published_at: GivenMoment | None = Field(
        None,
        description="time of publication; a future time schedules the article; years 1900 to "
        "2900; default: the stored value, for a new article now",
    )
    reads_baseline: Annotated[int, BeforeValidator(_whole), Field(ge=0, le=1 << 50)] | None = Field(
        None,
        description="read count from an earlier system, kept apart from counted reads; default: "
        "the stored value, for a new article 0",
    )
    change: Weight | None = Field(
        None,
        description="minor: not worth telling readers, such as a corrected typo or an import of "
        "old articles; default: judged by what changed",
    )
