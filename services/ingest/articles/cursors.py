"""Cursors in lists of articles. Pure. Their text is opaque to clients.

A change gets its `modified_at` before its transaction commits, so it can become visible behind a cursor that is younger
than the transaction. A scan over changes therefore ends by going back to the moment up to which it saw everything.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.ingest.articles.article import Article
from services.ingest.store import Place
from shared.base.clock import from_millis, to_millis

PATTERN = r"^-?[0-9]{1,13}-[a-z0-9]{0,32}(\.[0-9]{1,13})?$"
OVERLAP = timedelta(seconds=60)
"""Transactions are shorter: what was changed longer ago is committed or never will be."""


@dataclass(frozen=True)
class Cursor:
    """The place behind the last listed article. `settled`: the scan may have missed changes since then (None: none)."""

    place: Place
    settled: datetime | None = None

    def __str__(self) -> str:
        text = f"{to_millis(self.place.time)}-{self.place.id}"
        return text if self.settled is None else f"{text}.{to_millis(self.settled)}"


def parsed(text: str) -> Cursor:
    """The cursor that `text`, which matches `PATTERN`, stands for."""
    place, _, settled = text.partition(".")
    moment, _, last = place.rpartition("-")
    return Cursor(Place(from_millis(int(moment)), last), from_millis(int(settled)) if settled else None)


def behind_changes(begin: Cursor, found: Sequence[Article], limit: int, since: datetime, now: datetime) -> Cursor:
    """The cursor behind a page of changes: `found`, read at `now` from `begin` on; fewer than `limit` end the scan.

    The first page that reaches into the last minute fixes `settled`, and the scan's end goes back to it, however long
    the pages between took. It never goes behind `since`.
    """
    last = Place(found[-1].modified_at, found[-1].id) if found else begin.place
    settled = begin.settled
    if settled is None and last.time > now - OVERLAP:
        settled = now - OVERLAP
    if settled is None or len(found) == limit:
        return Cursor(last, settled)
    return Cursor(Place(max(settled, since), ""))
