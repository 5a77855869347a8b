"""Visitors of the oracle's reads: their days, and their hashes."""

from collections.abc import Sequence
from datetime import date
from hashlib import blake2b

from tests.support.traffic_oracle import Read
from tests.support.wall_clock import DAY, wall

Group = tuple[str, str, int, int, int, int]
_EPOCH = date(1970, 1, 1)


def reader_day(quarter: int, zone: str) -> date:
    """The day of readers, which begins at 04:00 on the wall, to which a quarter belongs."""
    shown = wall(quarter, zone)
    return shown.date() if shown.hour >= 4 else shown.date() - DAY


def hash_of(visitor: int, day: date) -> str:
    """A visitor's hash on a day, 16 hex digits."""
    return blake2b(f"{day} {visitor}".encode(), digest_size=8).hexdigest()


def with_visitors(reads: Sequence[Read], zone: str) -> tuple[list[Group], list[str]]:
    """The groups of a batch, and the hashes of its visitors in their order."""
    found: dict[tuple[str, str, int, int], list[str]] = {}
    for read in reads:
        day = reader_day(read.quarter, zone)
        salt = (day - _EPOCH).days if read.visitor else 0
        hashes = found.setdefault((read.kind, read.article, read.quarter, salt), [])
        hashes.append(hash_of(read.visitor, day) if read.visitor else "")
    groups, every = list[Group](), list[str]()
    for (kind, article, quarter, salt), hashes in found.items():
        seen = list(dict.fromkeys(hashes)) if salt else []
        groups.append((kind, article, quarter, len(hashes), salt, len(seen)))
        every += seen
    return groups, every
