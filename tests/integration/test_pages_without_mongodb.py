"""Pages while MongoDB is frozen, and while render has just started."""

import asyncio
import re
import time

import httpx

from tests.support.system import EDITOR, System, until


async def test_a_render_that_has_just_started_shows_no_count_that_is_too_low(
    system: System,
) -> None:
    await system.start_all()
    await system.put("a1", reads_baseline=7)
    page = await until(lambda: system.page("a1"), 5, "the page")
    await system.db.counts.insert_one({"_id": "a1/3", "article": "a1", "slot": 3, "reads": 5000})
    await system.db.counts.insert_one({"_id": "*/3", "article": "*", "slot": 3, "reads": 5000})
    others = [{"_id": f"x{n}/3", "article": f"x{n}", "slot": 3, "reads": 1} for n in range(30_000)]
    await system.db.counts.insert_many(others)  # so that reading all of them takes a moment
    render = system.replicas("render")[0]
    await render.stop()
    started = await system.start("render", wait=False)
    path, answers = httpx.URL(str(page.url)).path, list[httpx.Response]()
    for number in range(100_000):
        try:
            answers.append(await system.http.get(started.url + (path if number % 2 else "/")))
        except httpx.TransportError:
            continue
        if sum(answer.status_code == 200 for answer in answers) > 20:
            break
    assert {answer.status_code for answer in answers} <= {200, 503}
    for answer in answers:
        if answer.status_code == 200:
            assert "5.007" in answer.text
        else:
            assert answer.headers.get("cache-control", "no-store") == "no-store"
            assert "retry-after" in answer.headers


async def test_pages_in_memory_are_served_while_mongodb_is_frozen(system: System) -> None:
    await system.start_all()
    await system.put("a1")
    await system.put("a2")
    page = await until(lambda: system.page("a1"), 5, "the page")
    await until(lambda: system.page("a2"), 5, "the other page")
    await system.db.pages.insert_one(
        {**(await system.db.pages.find_one({"_id": "a2"}) or {}), "_id": "a3"}
    )
    home, unread = system.url("render") + "/", system.url("render") + "/x/x-a3.html"
    await until(lambda: _in_memory(system, str(page.url), home), 5, "both in memory")
    system.database.pause()
    try:
        async with asyncio.timeout(15):
            while "warning" not in (answer := await system.http.get(str(page.url))).headers:
                assert answer.status_code == 200
                await asyncio.sleep(0.2)
        assert answer.headers["warning"] == '110 - "Response is Stale"'
        began = time.monotonic()
        answers = await asyncio.gather(
            *(system.http.get(url) for url in [str(page.url), home, unread] * 15)
        )
        assert time.monotonic() - began < 9  # without the limit 10 s and more
        assert [answer.status_code for answer in answers] == [200, 200, 503] * 15
        assert all(answer.headers["retry-after"] == "5" for answer in answers[2::3])
        metrics = (await system.http.get(system.url("render") + "/metrics")).text
        assert float(re.findall(r"^luotdoc_pages_stale_seconds (\S+)", metrics, re.M)[0]) > 3
        assert float(re.findall(r"^luotdoc_pages_stale_total (\S+)", metrics, re.M)[0]) > 30
    finally:
        system.database.resume()
    await until(lambda: _fresh(system, str(page.url)), 30, "the page is as MongoDB has it again")
    gone = await system.http.delete(f"{system.url('ingest')}/articles/a1", headers=EDITOR)
    assert gone.status_code == 204

    async def withdrawn() -> bool:
        return (await system.http.get(str(page.url))).status_code == 410

    await until(withdrawn, 5, "a withdrawn article is gone")


async def _in_memory(system: System, *urls: str) -> bool:
    return all([(await system.http.get(url)).status_code == 200 for url in urls])


async def _fresh(system: System, url: str) -> bool:
    answer = await system.http.get(url)
    return answer.status_code == 200 and "warning" not in answer.headers
