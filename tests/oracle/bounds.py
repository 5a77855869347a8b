"""What must hold at any time, while reads are counted and processes are killed: no figure is less
than before the traffic or more than after it, no total falls, and the parts of one snapshot add up.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any

import httpx

from tests.oracle.clock import SharedClock
from tests.oracle.figures import Figures
from tests.oracle.fleet import STATS, Fleet
from tests.oracle.tally import Difference, Tally
from tests.support.traffic_oracle import PEOPLE
from tests.support.wall_clock import DAY, quarter_at, start_at

REST_SECONDS = 0.03


@dataclass
class Bounds:
    """Asks during a round; `before` and `after` are the figures without and with its reads."""

    http: httpx.AsyncClient
    fleet: Fleet
    clock: SharedClock
    before: Figures
    after: Figures
    random: Random
    tally: Tally
    _counted: list[tuple[datetime, int]] = field(default_factory=list)
    """(moment at which an answer was here, counted reads of the site), rising."""
    _kept: dict[tuple[str, int], tuple[dict[str, int], dict[str, int]]] = field(
        default_factory=dict
    )

    async def watch(self) -> None:
        """For ever: ask, and judge."""
        while True:
            await asyncio.sleep(REST_SECONDS)
            try:
                await self.random.choice((self._site, self._article, self._sections, self._sums))()
            except httpx.TransportError:  # it was just killed
                continue

    async def _get(self, path: str) -> Any:
        process = self.random.choice(self.fleet.of(STATS))
        answer = await self.http.get(process.url + path)
        if answer.status_code == 503:
            return None
        if answer.status_code != 200:
            self._wrong(path, self.clock.now(), "status", 200, answer.status_code)
            return None
        return answer.json()

    async def _site(self) -> None:
        if answer := await self._get("/stats/site"):
            as_of = datetime.fromisoformat(answer["as_of"])
            self._between("/stats/site", as_of, answer, "")
            self._rising(as_of, answer["counted"])

    async def _article(self) -> None:
        name = self.random.choice(list(self.before.catalogue(self.clock.now())))
        path = f"/stats/articles/{name}"
        if answer := await self._get(path):
            as_of = datetime.fromisoformat(answer["as_of"])
            self._between(path, as_of, {**answer, "total": answer["reads"]}, name)

    async def _sections(self) -> None:
        """The sections' reads are those of all articles that are known."""
        if answer := await self._get("/stats/sections"):
            as_of = datetime.fromisoformat(answer["as_of"])
            found = sum(each["counted"] for each in answer["sections"])
            low, high = (_of_known(each, as_of) for each in (self.before, self.after))
            self._judge("/stats/sections", as_of, "counted of all sections", low, found, high)

    async def _sums(self) -> None:
        """A series of months has all reads of the site, if both are of one moment."""
        first = (self.clock.now() - 900 * DAY).date()
        path = f"/stats/series?step=month&from={first}&to={(self.clock.now() + 60 * DAY).date()}"
        process = self.random.choice(self.fleet.of(STATS))
        series, site = await asyncio.gather(
            self.http.get(process.url + path), self.http.get(process.url + "/stats/site")
        )
        if {series.status_code, site.status_code} == {200}:
            told, counted = series.json(), site.json()["counted"]
            if told["as_of"] == site.json()["as_of"]:
                total = sum(point["reads"] or 0 for point in told["points"])
                as_of = datetime.fromisoformat(told["as_of"])
                self._judge(path, as_of, "sum of the series", counted, total, counted)

    def _between(self, path: str, as_of: datetime, answer: Any, article: str) -> None:
        low, high = self._bounds(as_of, article)
        for name, number in low.items():
            self._judge(path, as_of, name, number, answer[name], high[name])

    def _bounds(self, as_of: datetime, article: str) -> tuple[dict[str, int], dict[str, int]]:
        key = (article, quarter_at(as_of))
        if key not in self._kept:
            moment = start_at(key[1])
            low, high = (
                figures.article(article, moment) if article else figures.site(moment)
                for figures in (self.before, self.after)
            )
            self._kept[key] = low or {}, high or {}
        return self._kept[key]

    def _rising(self, as_of: datetime, counted: int) -> None:
        """An answer made after another one had arrived has at least its reads."""
        earlier = [number for at, number in self._counted if at < as_of]
        if earlier:
            low = max(earlier)
            self._judge(
                "/stats/site", as_of, "counted, after an earlier answer", low, counted, None
            )
        self._counted.append((self.clock.now(), counted))

    def _judge(
        self, path: str, as_of: datetime, name: str, low: int, found: int, high: int | None
    ) -> None:
        self.tally.between += 1
        if found < low or (high is not None and found > high):
            self._wrong(path, as_of, name, f"{low} to {high}", found)

    def _wrong(
        self, path: str, as_of: datetime, name: str, expected: object, found: object
    ) -> None:
        self.tally.differing += 1
        self.tally.differences.append(
            Difference(f"during traffic {path}", self.before.zone, as_of, name, expected, found)
        )


def _of_known(figures: Figures, as_of: datetime) -> int:
    known = figures.catalogue(as_of)
    return sum(read.kind in PEOPLE and read.article in known for read in figures.reads)
