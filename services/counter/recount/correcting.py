"""Turns differences into correcting batches. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256

import orjson

from services.counter.recount.judging import Changes
from shared.rabbit.batch import PEOPLE, Batch, Move, Source
from shared.rabbit.corrections import MAX_MOVES


def moves_of(changes: Changes) -> list[Move]:
    """The moves that make up the differences, as few as possible, by quarter and article."""
    return [
        move
        for (quarter, article), changed in sorted(changes.reads.items())
        for move in _paired(changed, article, quarter)
    ]


def _paired(changed: Counter[str], article: str, quarter: int) -> Iterator[Move]:
    """Pair the classes that lose reads with those that gain as many."""
    left = {kind: number for kind, number in sorted(changed.items()) if number}
    while left:
        was, now = min(left, key=left.__getitem__), max(left, key=left.__getitem__)
        number = min(-left[was], left[now])
        yield was, now, article, quarter, number
        left[was] += number
        left[now] -= number
        left = {kind: number for kind, number in left.items() if number}


def sources_of(changes: Changes) -> dict[int, Source]:
    """The differences in the site's sources, by quarter."""
    found = {}
    for quarter in sorted({*changes.referrers, *changes.devices}):
        referrers = {kind: n for kind, n in changes.referrers.get(quarter, {}).items() if n}
        devices = {kind: n for kind, n in changes.devices.get(quarter, {}).items() if n}
        if referrers or devices:
            found[quarter] = quarter, referrers, devices
    return found


def parts(
    moves: Sequence[Move], sources: dict[int, Source], most: int = MAX_MOVES
) -> Iterator[tuple[Sequence[Move], list[Source]]]:
    """(moves, sources) of each correcting batch. The sources of a quarter come with the last of its
    moves, which are in the order of the quarters; those of a quarter without moves, whose readers
    are others and as many as before, with the last batch.
    """
    alone = [sources[quarter] for quarter in sorted(sources.keys() - {move[3] for move in moves})]
    if alone and not moves:
        yield [], alone
    for at in range(0, len(moves), most):
        some = moves[at : at + most]
        ending = {move[3] for move in some} - {move[3] for move in moves[at + most : at + most + 1]}
        rest = alone if at + most >= len(moves) else []
        yield some, [sources[quarter] for quarter in sorted(ending & sources.keys())] + rest


def correcting_batch(
    identity: Sequence[object], number: int, minted_at: int, moves: Sequence[Move],
    sources: Iterable[Source],
) -> Batch:  # fmt: skip
    """Correcting batch `number` of the recount `identity`, the same at each call."""
    name = sha256(orjson.dumps(["recount", *identity, number])).hexdigest()
    return Batch(f"h{name}", minted_at, [], sources=tuple(sources), moves=moves)


def by_class(moves: Iterable[Move]) -> Counter[str]:
    """The change in each class."""
    changed: Counter[str] = Counter()
    for was, now, _, _, number in moves:
        changed[was] -= number
        changed[now] += number
    return changed


def by_article(moves: Iterable[Move]) -> list[tuple[str, int]]:
    """(article, change in people's reads), the largest changes first."""
    changed: Counter[str] = Counter()
    for was, now, article, _, number in moves:
        changed[article] += number * ((now in PEOPLE) - (was in PEOPLE))
    ordered = sorted(changed.items(), key=lambda each: (-abs(each[1]), each[0]))
    return [(article, number) for article, number in ordered if number]
