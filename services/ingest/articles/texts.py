"""Types of the texts and addresses that an editor sends: normal forms and checks. Pure."""

import re
from typing import Annotated

from pydantic import (
    AfterValidator,
    Field,
    JsonValue,
    StringConstraints,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from services.ingest.articles.body.characters import FORBIDDEN, NONCHARACTERS, fewer_marks, shows
from services.ingest.articles.body.links import reachable
from shared.base.letters import one_form

_OVERRIDES = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""Bidirectional embeddings, overrides and isolates:
they would reverse the text after them on the page."""
_UNSEEN_ENDS = " \u00ad\u200b\u2060\ufeff"
_ADDRESS = re.compile(r"(https?://(?=[^/])|/(?![/\\]))[^\s\"'<>\\\x00-\x1f\x7f-\x9f]*")


# What the validators below refuse, as JSON Schema says it.
_CONTROLS = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff"
_CLEAN: dict[str, JsonValue] = {"pattern": rf"^[^{_CONTROLS}]*$"}
_FILLED: dict[str, JsonValue] = {
    "pattern": rf"^[^{_CONTROLS}]*[^{_CONTROLS}\s\xa0][^{_CONTROLS}]*$"
}
_SOMEWHERE = r"https?://[^/\s\"'<>\\][^\s\"'<>\\]*|/([^/\s\"'<>\\][^\s\"'<>\\]*)?"
_LEADS_SOMEWHERE: dict[str, JsonValue] = {"pattern": rf"^({_SOMEWHERE})$"}
_MAY_LEAD_SOMEWHERE: dict[str, JsonValue] = {"pattern": rf"^({_SOMEWHERE})?$"}


def _text(value: str) -> str:
    """One line of text in one form, with single spaces, without direction overrides and
    noncharacters. Refuses text with nothing visible.
    """
    value, _ = fewer_marks(one_form(NONCHARACTERS.sub("", value)))
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


def _address_or_none(value: str) -> str:
    return value and _address(value)


InCharacters = WrapValidator(_in_characters)
"""Stands last: tells a text that is too long in characters."""
GivenText = Annotated[str, AfterValidator(_text), Field(json_schema_extra=_CLEAN)]
"""One line of text, which may be empty."""
Filled = Annotated[
    str, AfterValidator(_text), AfterValidator(_filled), Field(json_schema_extra=_FILLED)
]
"""One line of text with something to see."""
_Within = StringConstraints(max_length=2000)
GivenAddress = Annotated[
    str, _Within, AfterValidator(_address), Field(json_schema_extra=_LEADS_SOMEWHERE)
]
"""An http(s) address, or a path from the root of the site."""
GivenAddressOrNone = Annotated[
    str, _Within, AfterValidator(_address_or_none), Field(json_schema_extra=_MAY_LEAD_SOMEWHERE)
]
"""An http(s) address, a path from the root of the site, or empty."""
