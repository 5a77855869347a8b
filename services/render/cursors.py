"""Places in lists of pages, and their form in links: keyset paging. Pure.

A list is sorted by time of publication, newest first, then by id. A link names the article before
or after which the next part begins, so no article is repeated or skipped while lists change.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_EPOCH, _MILLISECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(milliseconds=1)
_CURSOR = re.compile(r"(-?[0-9]{1,14})-([a-z0-9]{1,32})")


@dataclass(frozen=True)
class PagePlace:
    """The place of an article in a list."""

    time: datetime
    id: str


def cursor_of(place: PagePlace) -> str:
    """The place in a link: `1764313501123-ls0001`."""
    return f"{(place.time - _EPOCH) // _MILLISECOND}-{place.id}"


def place_of(cursor: str) -> PagePlace | None:
    """The place that a link names; None if it names none."""
    if not (match := _CURSOR.fullmatch(cursor)):
        return None
    try:
        return PagePlace(_EPOCH + int(match[1]) * _MILLISECOND, match[2])
    except OverflowError:  # beyond the calendar
        return None
