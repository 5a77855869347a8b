"""Forms of texts in settings and in the site's file. Pure."""

import re
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator

from shared.base.letters import one_form

SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def zone_name(value: str) -> str:
    """`value` if it is the name of a time zone. Raises ValueError."""
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError("must be the name of a time zone, such as Asia/Ho_Chi_Minh") from error
    return value


def as_line(value: object) -> object:
    """A text as one line with single spaces, each letter in one form. Raises ValueError for
    characters that can't be seen.
    """
    line = one_form(" ".join(value.split())) if isinstance(value, str) else value
    if isinstance(line, str) and not line.isprintable():
        raise ValueError(
            "must be a line of text; it holds control characters, or others that can't be seen"
        )
    return line


TimeZone = Annotated[str, AfterValidator(zone_name)]
Line = Annotated[str, BeforeValidator(as_line)]
