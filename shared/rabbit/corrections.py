"""Parsing of a correcting batch, version 3 of a batch of reads, with its bounds.

`shared.rabbit.batch` describes the format. A recount makes such batches, and the counter applies
each once, by the same ledger as batches of reads. Each read that leaves a class arrives in another,
so the books stay balanced whatever a correcting batch says.
"""

from typing import Any

from shared.rabbit.batch import (
    AHEAD_MS,
    BATCH,
    DEVICES,
    FILTERED_CLASSES,
    NO_ARTICLE,
    OTHER_CLASS,
    QUARTER_MS,
    READER,
    REFERRERS,
    Move,
    Source,
)
from shared.rabbit.batch_bounds import CLASS, MAX_FILTERED, WIRE_ARTICLE

MAX_MOVES = 1_000
"""Upper bound for moves in a correcting batch: a flush then writes as much as for a thousand
articles."""
MAX_SOURCES = 1_000

_TO = frozenset((READER, *FILTERED_CLASSES, OTHER_CLASS))


def parse_correction(content: dict[str, Any], minted: int) -> tuple[list[Move], list[Source]]:
    """The moves and sources of a correcting batch. Raises `KeyError`, `TypeError` or `ValueError`
    if the body is malformed.
    """
    latest = (minted + AHEAD_MS) // QUARTER_MS
    rows = content["moves"]
    if type(rows) is not list or len(rows) > MAX_MOVES:
        raise ValueError(f"moves is not a list of at most {MAX_MOVES}")
    moves = [_move(row, latest) for row in rows]
    rows = content.get("sources", [])
    if type(rows) is not list or len(rows) > MAX_SOURCES:
        raise ValueError(f"sources is not a list of at most {MAX_SOURCES}")
    sources = [_source(row, latest) for row in rows]
    if not moves and not any(referrers or devices for _, referrers, devices in sources):
        raise ValueError("a correcting batch has neither moves nor sources")
    return moves, sources


def _move(row: Any, latest: int) -> Move:
    if type(row) is not list or len(row) != 5:
        raise ValueError(f"a move has 5 values, not {row!r:.60}")
    was, now, article, quarter, number = row
    if not (
        type(was) is type(now) is type(article) is str
        and type(quarter) is type(number) is int
        and CLASS.fullmatch(was)
        and was != BATCH
        and now in _TO
        and was != now
        and 0 < quarter <= latest
        and 0 < number <= MAX_FILTERED
    ):
        raise ValueError(f"a move is malformed: {row!r:.100}")
    # The reads of people that are counted always have an article.
    if not WIRE_ARTICLE.fullmatch(article) and not (
        article == NO_ARTICLE and READER not in (was, now)
    ):
        raise ValueError(f"a move has the article {article!r:.60}")
    return was, now, article, quarter, number


def _source(row: Any, latest: int) -> Source:
    if type(row) is not list or len(row) != 3:
        raise ValueError(f"a source is [quarter, referrers, devices], not {row!r:.60}")
    quarter, referrers, devices = row
    if type(quarter) is not int or not 0 < quarter <= latest:
        raise ValueError(f"a source has the quarter {quarter!r:.60}")
    return quarter, _sums(referrers, REFERRERS), _sums(devices, DEVICES)


def _sums(sums: Any, known: tuple[str, ...]) -> dict[str, int]:
    if type(sums) is not dict or not all(
        kind in known and type(number) is int and abs(number) <= MAX_FILTERED
        for kind, number in sums.items()
    ):
        raise ValueError(f"a source has {sums!r:.60} in place of sums by class")
    return sums
