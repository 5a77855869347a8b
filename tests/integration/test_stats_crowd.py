"""A crowd that asks costly questions."""

import asyncio
from collections import Counter

import httpx

from services.stats.tops import AT_ONCE, MOST_WAITING
from tests.support.system import System, until

KINDS, REFUSED_AT_ONCE = 2, 6


async def test_of_a_crowd_with_costly_questions_few_are_asked_and_others_get_503(
    system: System,
) -> None:
    stats = await system.start("stats")
    await _know(system, "a1")
    crowd = KINDS * (AT_ONCE + MOST_WAITING) + REFUSED_AT_ONCE
    asked = [
        f"/stats/top?window={n}h"
        if n % 2
        else f"/stats/series?article=a1&step=day&from=2026-0{n % 9 + 1}-{n % 20 + 1:02}"
        for n in range(3, crowd + 3)
    ]
    system.database.pause()
    try:
        asking = [asyncio.create_task(system.http.get(stats.url + each)) for each in asked]
        refused_at_once = crowd - len(await _unanswered(asking, crowd - REFUSED_AT_ONCE))
        waiting = await _unanswered(asking, KINDS * AT_ONCE)
    finally:
        system.database.resume()
    answers = await asyncio.gather(*asking)
    assert refused_at_once == REFUSED_AT_ONCE
    assert Counter(answer.status_code for answer in answers) == {
        200: KINDS * AT_ONCE,
        503: crowd - KINDS * AT_ONCE,
    }
    refused = [answer for answer in answers if answer.status_code == 503]
    assert all(answer.headers["retry-after"] == "1" for answer in refused)
    assert {answer.json()["detail"] for answer in refused} == {
        "too many costly requests run, try again"
    }
    assert all(task.result().status_code == 200 for task in waiting)

    async def all_answered() -> bool:
        later = await asyncio.gather(*(system.http.get(stats.url + each) for each in asked[:12]))
        return {answer.status_code for answer in later} == {200}

    await until(all_answered, 5, "costly answers are made again after a rest")


async def _know(system: System, article: str) -> None:
    """Let the catalogue have an article."""
    known = {"v": 1, "revision": 1, "state": "published", "title": "", "url": "", "section": "tin",
             "baseline": 0, "published_at": None, "content_revision": 1}  # fmt: skip
    await system.db.catalogue.insert_one({"_id": article} | known)


async def _unanswered(
    asking: list[asyncio.Task[httpx.Response]], number: int
) -> list[asyncio.Task[httpx.Response]]:
    """Those without an answer, once they are `number`."""
    await until(
        lambda: sum(not task.done() for task in asking) <= number, 10, "the others are refused"
    )
    return [task for task in asking if not task.done()]
