"""Open pages follow their read counts, and other sites show them: Chromium, strict policies."""

import asyncio
import json
import signal
import time
from collections.abc import Callable, Coroutine
from typing import Any

from playwright.async_api import Browser, Page

from deploy.local import ports
from deploy.local.gateway import Gateway
from tests.browser.outcomes import site
from tests.integration.test_gateway import behind
from tests.integration.test_live import metric, read_by
from tests.support.system import Process, System, until

LOUD = "[aria-live], [role=alert], [role=status], [role=log], [role=timer], output"
SEEN = """state => {
  Object.defineProperty(document, 'visibilityState', {value: state, configurable: true});
  Object.defineProperty(document, 'hidden', {value: state === 'hidden', configurable: true});
  document.dispatchEvent(new Event('visibilitychange'));
}"""


def shows(page: Page, selector: str, text: str) -> Callable[[], Coroutine[Any, Any, bool]]:
    """Whether the page shows a text."""

    async def shown() -> bool:
        return await page.inner_text(selector) == text

    return shown


def noted(page: Page) -> list[str]:
    """The page's trouble, from now on."""
    trouble: list[str] = []
    page.on("console", lambda message: trouble.append(message.text))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    return trouble


async def portal(system: System, **settings: Any) -> tuple[Process, str]:
    """Every service, and the page of an article with 1,234,567 reads from before."""
    await system.start("ingest")
    await system.start("counter", flush_interval="0.1")
    stats = await system.start("stats", cors_origins="*")
    live = {"live_url": f"{stats.url}/stats/live"} | settings
    total = f"{1_234_567 + settings.get('site_baseline', 0):,}".replace(",", ".")
    await system.start("render", reads_url=f"{system.url('ingest')}/reads", **live)
    await system.put("a1", reads_baseline=1_234_567)

    async def shown() -> str:
        page = await system.page("a1")
        return str(page.url) if page and f">{total}</dd>" in page.text else ""

    return stats, await until(shown, 10, "the page, and its side column with the baseline")


async def listeners(system: System, *processes: Process) -> float:
    """Open pages that follow."""
    found = [await metric(system, each, "luotdoc_live_listeners") for each in processes]
    return sum(found)


async def test_an_open_page_follows_its_reads_while_it_is_seen(
    system: System, browser: Browser
) -> None:
    stats, url = await portal(system)
    page = await browser.new_page()
    trouble = noted(page)
    await page.goto(url)
    assert await page.inner_text("[data-reads]") == "1.234.567"
    await read_by(system, "a1", 1, 2)
    await until(shows(page, "[data-reads]", "1.234.569"), 5, "the page has followed")
    await until(shows(page, "[data-total]", "1.234.569"), 10, "the side column has followed")
    assert await page.locator(LOUD).count() == 0, "no screen reader reads each number aloud"

    await page.evaluate(SEEN, "hidden")

    async def nobody() -> bool:
        return await listeners(system, stats) == 0

    await until(nobody, 5, "a page that nobody sees holds no connection")
    await read_by(system, "a1", 3)
    await page.evaluate(SEEN, "visible")
    await until(shows(page, "[data-reads]", "1.234.570"), 5, "it follows again")
    assert await listeners(system, stats) == 1
    await page.goto("about:blank")
    await until(nobody, 5, "nor does one that was left")
    assert trouble == []


async def test_the_side_column_of_an_open_page_follows_within_a_second(
    system: System, browser: Browser
) -> None:
    _, url = await portal(system)
    await read_by(system, "a1", 1)

    async def has_figures() -> bool:
        answer = await system.page("a1")
        return answer is not None and "data-today>1<" in answer.text

    await until(has_figures, 20, "the side column has the figures of today")
    page = await browser.new_page()
    trouble = noted(page)
    await page.goto(url)
    names = ("today", "week", "month")
    assert [await page.inner_text(f"[data-{name}]") for name in names] == ["1", "1", "1"]
    stream = system.replicas("stats")[0]

    async def is_followed() -> bool:
        return await listeners(system, stream) == 1

    await until(is_followed, 5, "the page follows")
    took = []
    for reader in range(2, 7):
        began = time.monotonic()
        await read_by(system, "a1", reader)
        await until(shows(page, "[data-today]", str(reader)), 5, f"{reader} reads of today")
        took.append(time.monotonic() - began)
    print(f"\nthe side column follows a read after {sorted(took)} s")
    assert sorted(took)[2] < 1, "the median; a busy machine may delay one of them"
    rows = {name: await page.inner_text(f"[data-{name}]") for name in (*names, "total")}
    assert rows == {"today": "6", "week": "6", "month": "6", "total": "1.234.573"}
    assert trouble == []


async def test_a_page_never_shows_fewer_reads_but_in_a_new_generation(
    system: System, browser: Browser
) -> None:
    _, url = await portal(system)
    page = await browser.new_page()
    # In place of the server's stream, frames that the test chooses.
    await page.add_init_script(
        "window.EventSource = function () { window.told = this; this.close = function () {}; };"
    )
    await page.goto(url)

    async def tell(frame: str) -> tuple[str, str]:
        await page.evaluate("data => { window.told.onmessage({data: data}); }", frame)
        return await page.inner_text("[data-reads]"), await page.inner_text("[data-total]")

    reads, total = "1.234.567", "1.234.567"
    for frame in ("", "null", "{}", '{"articles":{"a2":9999999}}', '{"articles":{"a1":5}}',
                  '{"articles":{"a1":"<b>"}}', '{"site":{"total":3}}', "[1]"):  # fmt: skip
        assert await tell(frame) == (reads, total), frame
    assert await tell('{"articles":{"a1":1234568},"site":{"total":1300000}}') == (
        "1.234.568",
        "1.300.000",
    )
    lower = '{"articles":{"a1":900},"generations":{"a1":2},"site":{"total":1000,"generation":1}}'
    assert await tell(lower) == ("900", "1.000")
    late = '{"articles":{"a1":1234569},"site":{"total":1300001}}'
    assert await tell(late) == ("900", "1.000"), "an older generation"
    assert await tell('{"articles":{"a1":901},"generations":{"a1":2}}') == ("901", "1.000")


async def test_a_day_turns_on_an_open_page(system: System, browser: Browser) -> None:
    """All figures change at once, and the total has what the site alone knows of."""
    _, url = await portal(system, site_baseline=1_000_000)
    page = await browser.new_page()
    await page.add_init_script(
        "window.EventSource = function () { window.told = this; this.close = function () {}; };"
    )
    await read_by(system, "a1", 1)

    async def has_figures() -> bool:
        answer = await system.page("a1")
        wanted = ("data-today>1<", "data-online>1<")
        return answer is not None and all(each in answer.text for each in wanted)

    await until(has_figures, 20, "the side column has the figures of today")
    await page.goto(url)
    names = ("online", "today", "week", "month", "total")

    async def tell(minute: str, **site: int) -> list[str]:
        frame = {"site": {"as_of": f"2026-11-29T{minute}:00.000Z", **site}}
        await page.evaluate("data => { window.told.onmessage({data: data}); }", json.dumps(frame))
        return [await page.inner_text(f"[data-{name}]") for name in names]

    held = [await page.inner_text(f"[data-{name}]") for name in names]
    assert held == ["1", "1", "1", "1", "2.234.568"]
    evening = {"total": 1_234_600, "today": 33, "yesterday": 0, "week": 33, "month": 33}
    assert await tell("16:59", **evening) == ["1", "33", "33", "33", "2.234.600"]
    night = {"total": 1_234_601, "today": 1, "yesterday": 33, "week": 1, "month": 34, "online": 2}
    assert await tell("17:00", **night) == ["2", "1", "1", "34", "2.234.601"]
    # Another server, whose figures are older.
    assert await tell("16:58", **evening) == ["2", "1", "1", "34", "2.234.601"]


async def test_a_page_follows_another_replica_after_a_kill(
    system: System, browser: Browser
) -> None:
    await system.start("ingest")
    await system.start("counter", flush_interval="0.1")
    replicas = [await system.start("stats"), await system.start("stats")]
    port = ports.choose_port()
    url = f"http://127.0.0.1:{port}"
    await system.start("render", base_url=url, live_url="/stats/live")
    backends = {name: behind(system.replicas(name)) for name in ("ingest", "stats", "render")}
    gateway = Gateway(system.folder / "gateway", port, ports.choose_port(None, {port}), backends)
    await asyncio.to_thread(gateway.start, 20)
    try:
        await system.put("a1")
        found = await until(lambda: system.page("a1"), 10, "the page")
        page = await browser.new_page()
        await page.goto(url + found.url.path)
        await read_by(system, "a1", 1)
        await until(shows(page, "[data-reads]", "1"), 5, "the page has followed")
        (held,) = [each for each in replicas if await listeners(system, each)]
        held.send(signal.SIGKILL)
        await held.ended()
        await read_by(system, "a1", 2)
        await until(shows(page, "[data-reads]", "2"), 20, "another replica tells the page")
    finally:
        await asyncio.to_thread(gateway.stop)


async def test_without_an_address_or_javascript_pages_are_as_they_were(
    system: System, browser: Browser
) -> None:
    stats, url = await portal(system, live_url="")
    page = await browser.new_page()
    trouble = noted(page)
    await page.goto(url)
    assert await page.inner_text("[data-reads]") == "1.234.567"
    assert await page.locator("script[src*='live']").count() == 0
    assert await listeners(system, stats) == 0
    assert trouble == []


FOREIGN = """<!doctype html><html lang="vi"><meta charset="utf-8"><title>Trang khác</title>
<p>Tổng: <b id="total" data-luotdoc="total"></b>, hôm nay: <b id="today" data-luotdoc="today"></b>,
bài a1: <b id="article" data-luotdoc="total" data-article="a1"></b>,
<b id="unknown" data-luotdoc="nothing">như cũ</b>
<p><img id="badge" alt="" src="{stats}/stats/badge/today.svg">
<img id="english" alt="" src="{stats}/stats/badge/total.svg?article=a1&amp;lang=en">
<script src="{stats}/stats/widget.js" defer {options}></script>
"""


async def test_another_site_under_a_strict_policy_shows_the_figures(
    system: System, browser: Browser
) -> None:
    stats, _ = await portal(system)
    policy = f"default-src 'none'; script-src {stats.url}; connect-src {stats.url}; " + (
        f"img-src {stats.url}; require-trusted-types-for 'script'"
    )
    for options, mark, followed in (("data-live", ".", True), ('data-lang="en"', ",", False)):
        html = FOREIGN.format(stats=stats.url, options=options)
        async with site(html, policy) as address:
            page = await browser.new_page()
            trouble = noted(page)
            await page.goto(address)
            whole = f"1{mark}234{mark}567"
            before = await system.counted()
            if before:
                whole = f"1{mark}234{mark}{567 + before}"
            await until(shows(page, "#total", whole), 10, "the total")
            await until(shows(page, "#article", whole), 10, "the article's")
            assert await page.inner_text("#today") == str(before)
            assert await page.inner_text("#unknown") == "như cũ"
            for picture in ("#badge", "#english"):
                assert await page.evaluate(
                    "name => document.querySelector(name).naturalWidth > 60", picture
                )
            if followed:
                await read_by(system, "a1", 1, 2)
                await until(shows(page, "#today", "2"), 5, "the page follows the site")
            assert trouble == []
            await page.close()
