"""Cursors in lists of articles. Pure. Their text is opaque to clients.

A change gets its `modified_at` before its transaction commits. So it may become visible after a
scan has passed that time. Therefore the cursor at a scan's end goes back to the moment up to which
the scan has seen every change.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from luotdoc_subscriber.base.clock import from_millis, to_millis
from services.ingest.articles.article import StoredArticle
from services.ingest.articles.documents import Place

PATTERN = r"^-?[0-9]{1,13}-[a-z0-9]{0,32}(\.[0-9]{1,13})?$"
OVERLAP = timedelta(seconds=60)
"""Upper bound for the time from `modified_at` to the commit:
an older change is committed or never will be."""


@dataclass(frozen=True)
class Cursor:
    """The place after the last listed article.
    `settled`: the scan may have missed changes after it; None if none.
    """

    place: Place
    settled: datetime | None = None

    def __str__(self) -> str:
        text = f"{to_millis(self.place.time)}-{self.place.id}"
        return text if self.settled is None else f"{text}.{to_millis(self.settled)}"


def parsed(text: str) -> Cursor:
    """Parse a cursor. `text` must match `PATTERN`."""
    place, _, settled = text.partition(".")
    moment, _, last = place.rpartition("-")
    return Cursor(
        Place(from_millis(int(moment)), last), from_millis(int(settled)) if settled else None
    )


def behind_changes(
    begin: Cursor, found: Sequence[StoredArticle], limit: int, since: datetime, now: datetime
) -> Cursor:
    """The cursor after a page of changes: `found`, read at `now` from `begin`.
    Fewer than `limit` end the scan.

    The first page that reaches into the last minute sets `settled`, and the end of the
    scan goes back to it, however long the scan took. It never goes back before `since`.
    """
    last = Place(found[-1].modified_at, found[-1].id) if found else begin.place
    settled = begin.settled
    if settled is None and last.time > now - OVERLAP:
        settled = now - OVERLAP
    if settled is None or len(found) == limit:
        return Cursor(last, settled)
    return Cursor(Place(max(settled, since), ""))
