"""Readers online: who has read within the last five minutes, in memory.

A batch's time is the moment at which ingest minted it, milliseconds after its reads. Time is cut
into slices, and the window is made of whole ones, so it is up to one slice longer. A reader has
another hash after the turn of the salt's day, and is counted twice for five minutes.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from services.stats.readers.distinct import distinct_hashes
from shared.rabbit.batch import Batch

SLICE_MS = 5_000
WINDOW_MS = 300_000
_SLICES = WINDOW_MS // SLICE_MS


@dataclass(frozen=True, slots=True)
class OnlineFigures:
    """Readers online of the site, and of each section that has one."""

    site: int
    sections: dict[str, int]


@dataclass
class OnlineReaders:
    """Hashes of the window, by slice and article."""

    _slices: dict[int, dict[str, bytearray]] = field(default_factory=dict)

    def add(self, batch: Batch, now: int) -> None:
        """Add the visitors of `batch`, if it is young enough. An ingest whose clock is ahead counts
        as of `now`, in milliseconds since 1970.
        """
        place = min(batch.minted_at, now) // SLICE_MS
        if place < now // SLICE_MS - _SLICES:
            return
        held = self._slices.setdefault(place, {})
        for (_, article, _, _, _, visitors), hashes in batch.visitors():
            if visitors:
                held.setdefault(article, bytearray()).extend(hashes)

    def expire(self, now: int) -> None:
        """Drop what is too old. What is ahead by more than the window, because the clock was set
        back, is of now: else it would stay for as long as the clock has to make up.
        """
        newest = now // SLICE_MS
        outside = [each for each in self._slices if abs(newest - each) > _SLICES]
        for place in outside:
            gone = self._slices.pop(place)
            if place > newest:
                held = self._slices.setdefault(newest, {})
                for article, hashes in gone.items():
                    held.setdefault(article, bytearray()).extend(hashes)

    def of_article(self, article: str, now: int) -> int:
        """The number of readers of an article."""
        self.expire(now)
        return distinct_hashes(held[article] for held in self._slices.values() if article in held)

    async def figures(self, now: int, section_of: Callable[[str], str]) -> OnlineFigures:
        """The numbers of the site and the sections. They are made in a thread: at a thousand reads
        a second there are 300,000 hashes.
        """
        self.expire(now)
        # A list, because the fold adds articles meanwhile; it only extends their hashes.
        parts = [each for held in self._slices.values() for each in held.items()]
        return await asyncio.to_thread(_made, parts, section_of)


def _made(
    parts: Iterable[tuple[str, bytearray]], section_of: Callable[[str], str]
) -> OnlineFigures:
    sections: dict[str, list[bytearray]] = {}
    for article, hashes in parts:
        sections.setdefault(section_of(article), []).append(hashes)
    site = distinct_hashes(chunk for chunks in sections.values() for chunk in chunks)
    return OnlineFigures(
        site, {name: distinct_hashes(chunks) for name, chunks in sections.items() if name}
    )
