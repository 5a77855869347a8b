"""The documents of `projections`: how they are made, and which of them are right. Pure.

    hour/<first quarter>, day/2026-11-23, month/2026-11
        {kind, zone, first, end, reads: {article: n}, late: {UTC day: n}, site: n, made_at}
    section/<section>/<UTC day>   {kind: "section", section, day, q: {quarter: n}}
    sections/<UTC day>            {kind: "sections", day, late: n, made_at}
    shifts                        {kind: "shifts", number, made}
    repairs                       {kind: "repairs", number}

`first` and `end` are quarters since 1970, in `q` a quarter is 0 to 95 of its day. `late` has the
markers (`counts.late`) that were there when the projection was made, of the days that have any. So
a projection is right as long as its days have no other markers. `site` is the site's reads in the
same time and from the same snapshot: the reads of all articles add up to it. `repairs` counts the
projections that did not, and were deleted: what was kept of one is then not to be believed.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from services.stats.traffic.pieces import Piece
from shared.storage.quarters import day_name, day_number
from shared.storage.versions import DOCUMENT_VERSION, Document

Sums = dict[str, int]
"""Reads by article."""
Markers = Mapping[str, int]
"""Number of late markers by UTC day, such as {"2026-11-23": 2}; a day without any is left out."""

STATE_ID, REPAIRS_ID = "shifts", "repairs"
HEAD_FIELDS = {
    "kind": 1,
    "zone": 1,
    "first": 1,
    "end": 1,
    "late": 1,
    "site": 1,
    "made_at": 1,
    "v": 1,
}
"""What says whether a projection is right, without its reads."""


def marks(days: range, markers: Markers) -> dict[str, int]:
    """The markers of the UTC days `days`, counted from 1970."""
    if len(markers) < len(days):  # few of the days of many years have one
        return {name: n for name, n in markers.items() if day_number(name) in days}
    return {name: markers[name] for name in map(day_name, days) if name in markers}


def projection(
    piece: Piece, zone: ZoneInfo, reads: Mapping[str, int], site: int, late: Markers, at: datetime
) -> Document:
    """The document of `piece`, made at `at`: `reads` by article, and the site's, of one snapshot
    with the markers `late`.
    """
    return {
        "_id": piece.id(zone),
        "v": DOCUMENT_VERSION,
        "kind": piece.kind,
        "zone": zone.key,
        "first": piece.first,
        "end": piece.end,
        "reads": {article: number for article, number in reads.items() if number},
        "site": site,
        "late": marks(piece.days, late),
        "made_at": at,
    }


def is_right(held: Mapping[str, Any] | None, piece: Piece, zone: ZoneInfo, late: Markers) -> bool:
    """True if the projection `held` stands for `piece` as long as the markers are `late`."""
    return (
        held is not None
        and (held["zone"], held["first"], held["end"]) == (zone.key, piece.first, piece.end)
        and held["late"] == marks(piece.days, late)
    )


def is_balanced(held: Mapping[str, Any]) -> bool:
    """True if the articles' reads of a whole projection add up to the site's."""
    return bool(sum(held["reads"].values()) == held["site"])


def add(into: Sums, more: Mapping[str, int], sign: int = 1) -> None:
    """Add `more` to `into`, or take it away with the sign -1. An article without reads is left
    out.
    """
    for article, number in more.items():
        if total := into.get(article, 0) + sign * number:
            into[article] = total
        else:
            into.pop(article, None)
