"""Addresses that the site's file names. Pure."""

import re
from typing import Annotated

from pydantic import AfterValidator

from shared.base.urls import link

_PATH = re.compile(r"/(?![/\\])[^\s\"'<>\\\x00-\x1f\x7f]*")


def _path_or_link(value: str) -> str:
    if _PATH.fullmatch(value) and len(value) <= 2000:
        return value
    try:
        return link(value)
    except ValueError:
        raise ValueError(
            "must be a path such as /thoi-su/, or an http:// or https:// address"
        ) from None


def _phone(value: str) -> str:
    if not re.fullmatch(r"\+?[0-9][0-9 ().-]{2,30}", value):
        raise ValueError("must be a telephone number such as 0215 382 4567")
    return value


def _email(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", value):
        raise ValueError("must be an e-mail address such as toasoan@example.vn")
    return value


PathOrLink = Annotated[str, AfterValidator(_path_or_link)]
Phone = Annotated[str, AfterValidator(_phone)]
Email = Annotated[str, AfterValidator(_email)]
