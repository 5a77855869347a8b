"""The site's quarters in memory: how long they hold the event loop."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from services.stats.traffic.site_courses import SiteMemory
from shared.rabbit.batch import DEVICES, REFERRERS
from shared.storage.counts import Total
from shared.storage.quarters import PER_DAY, day_name, day_number
from shared.storage.versions import Document

FIRST, TODAY = day_number("2026-11-20"), day_number("2026-11-23")


class Buckets:
    """The queries of a store whose site was read on a few days, in every way. They never wait."""

    def __init__(self) -> None:
        self.late: dict[str, int] = {}
        places = {"20": 3}
        kinds = {f"ref_{each}": places for each in REFERRERS}
        kinds |= {f"dev_{each}": places for each in DEVICES}
        self._held: list[Document] = [
            {"_id": f"*/{day_name(day)}/0", "article": "*", "day": day_name(day), "q": places,
             "by": {"batch": places, **kinds}}
            for day in range(FIRST, TODAY)
        ]  # fmt: skip

    async def markers(self, _session: object) -> dict[str, int]:
        return dict(self.late)

    async def counted(self, _session: object) -> Total:
        return Total(0, sum(bucket["q"]["20"] for bucket in self._held))

    async def first_day(self, _session: object) -> str:
        return day_name(FIRST)

    async def site_buckets(self, _session: object, days: Document) -> AsyncIterator[Document]:
        for bucket in self._held:
            day = bucket["day"]
            if day in days.get("$in", [day]) and days.get("$gte", "") <= day < days.get("$lt", "z"):
                yield bucket


async def turns_of_others(memory: SiteMemory) -> tuple[int, int]:
    """How often other work runs while the site is read, and how many courses it has."""
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    running = asyncio.create_task(others())
    session: Any = None
    found = await memory.read(session, TODAY * PER_DAY)
    running.cancel()
    assert found.of().total() == 3 * (TODAY - FIRST)
    return turns, len(found.courses)


async def test_other_work_runs_between_two_courses() -> None:
    store: Any = Buckets()
    memory = SiteMemory(store)
    loading, courses = await turns_of_others(memory)
    store.late[day_name(FIRST)] = 1
    changing, _ = await turns_of_others(memory)
    print(f"\n{loading} and {changing} turns of others for {courses} courses")
    assert courses > 10
    assert min(loading, changing) >= courses
