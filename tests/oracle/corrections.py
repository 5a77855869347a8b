"""Corrections of reads that are counted already, as a recount after a change of the bot rules makes
them: the plain list changes, and correcting batches say the same.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random

from services.counter.recount.correcting import correcting_batch
from shared.rabbit.batch import Move, Source
from tests.oracle.traffic import HOUR, Delivery
from tests.support.traffic_oracle import DEVICES, READER, REFERRERS, Read

JUDGED = (READER, "reload", "bot")
"""Classes that depend on the rules about agents."""
LATEST = 71 * HOUR
"""Age of the oldest reads that a recount looks at."""
SHARE = 0.1
MOVES_AT_ONCE = 25


@dataclass
class Corrections:
    """Corrects a share of the reads of one site."""

    random: Random
    number: int = 0
    """Of the next recount."""

    def correct(self, reads: list[Read], now: datetime) -> list[Delivery]:
        """Change some of `reads` in place, and answer the batches that tell it."""
        moves, sources = Counter[tuple[str, str, str, int]](), Sources()
        for place, read in enumerate(reads):
            young = now - LATEST < read.accepted <= now
            if young and read.kind in JUDGED and self.random.random() < SHARE:
                after = self._judged_again(read)
                moves[read.kind, after.kind, read.article, read.quarter] += 1
                sources.take(read, -1)
                sources.take(after, 1)
                reads[place] = after
        self.number += 1
        return self._batches([(*move, number) for move, number in moves.items()], sources, now)

    def _judged_again(self, read: Read) -> Read:
        random = self.random
        kind = random.choice([each for each in JUDGED if each != read.kind])
        if kind != READER:
            return replace(read, kind=kind, referrer=None, device=None)
        referrer = random.choice((None, *REFERRERS))
        return replace(read, kind=kind, referrer=referrer, device=random.choice(DEVICES))

    def _batches(self, moves: list[Move], sources: "Sources", now: datetime) -> list[Delivery]:
        self.random.shuffle(moves)
        rows = sources.rows()
        minted = round(now.timestamp() * 1000)
        found = []
        for at in range(0, len(moves), MOVES_AT_ONCE):
            some, last = moves[at : at + MOVES_AT_ONCE], at + MOVES_AT_ONCE >= len(moves)
            told = rows if last else rows[:2]
            rows = [] if last else rows[2:]
            batch = correcting_batch((self.number,), at, minted, some, told)
            found.append(Delivery(batch, copies=self.random.choice((1, 1, 1, 2))))
        return found


class Sources:
    """The changes of referrers and devices, by quarter."""

    def __init__(self) -> None:
        self._referrers: defaultdict[int, Counter[str]] = defaultdict(Counter)
        self._devices: defaultdict[int, Counter[str]] = defaultdict(Counter)

    def take(self, read: Read, change: int) -> None:
        """Add `change` reads such as `read`."""
        if read.kind != READER:
            return
        if read.referrer:
            self._referrers[read.quarter][read.referrer] += change
        if read.device:
            self._devices[read.quarter][read.device] += change

    def rows(self) -> Sequence[Source]:
        """What a batch says of it."""
        quarters = sorted({*self._referrers, *self._devices})
        rows = [
            (quarter, _changed(self._referrers[quarter]), _changed(self._devices[quarter]))
            for quarter in quarters
        ]
        return [row for row in rows if row[1] or row[2]]


def _changed(sums: Counter[str]) -> dict[str, int]:
    return {name: number for name, number in sums.items() if number}
