"""A reader's browser: pages are shown as they are meant, and reads come from real page views."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Browser, async_playwright

from tests.support.system import System, until

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """Chromium; without it the test fails."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        await browser.close()


async def _publish(system: System) -> str:
    await system.start("ingest")
    ingest = system.url("ingest")
    await system.start("render", reads_url=f"{ingest}/reads")
    await system.start("counter", flush_interval="0.1")
    await system.put("a1", title="Một ngày ở bến Gạo", lead="Đò sớm.", body_html="<p>" + "Chữ " * 400 + "</p>")
    page = await until(lambda: system.page("a1"), 5, "the page")
    return str(page.url)


async def test_a_page_view_is_a_read(system: System, browser: Browser) -> None:
    url = await _publish(system)
    page = await browser.new_page()
    trouble: list[str] = []
    page.on("console", lambda message: trouble.append(message.text))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("requestfailed", lambda request: trouble.append(request.url))
    await page.goto(url)
    assert await page.inner_text("h1") == "Một ngày ở bến Gạo"
    assert await page.inner_text("[data-reads]") == "0"
    # A headless browser says so in its user agent; the books show that its read arrived and was told apart.
    await until(lambda: _accepted(system), 10, "the read arrives")
    books = [document async for document in system.db.books.find()]
    assert books[0]["filtered"] == {"bot": 1}
    assert trouble == []


async def test_a_reader_with_an_ordinary_browser_is_counted_and_shown(system: System, browser: Browser) -> None:
    url = await _publish(system)
    agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36"
    no_beacon, no_fetch = "delete Navigator.prototype.sendBeacon;", "delete window.fetch;"
    no_script = "Object.defineProperty(document, 'currentScript', {value: undefined});"
    lacks = ("", None, no_beacon, no_beacon + no_fetch, no_beacon + no_fetch + no_script)
    for number, lack in enumerate(lacks):
        javascript = lack is not None
        context = await browser.new_context(user_agent=f"{agent} {number}", java_script_enabled=javascript)
        await context.add_init_script(lack or "")
        page = await context.new_page()
        await page.goto(url)

        async def counted(wanted: int = number + 1) -> bool:
            return await system.counted() == wanted

        await until(counted, 10, f"a read {'with' if javascript else 'without'} JavaScript; lacking: {lack}")
        assert await context.cookies() == []
        await context.close()

    async def shown() -> bool:
        context = await browser.new_context(user_agent=f"{agent} again")
        page = await context.new_page()
        await page.goto(url)
        text = await page.inner_text("[data-reads]")
        await context.close()
        return int(text) >= len(lacks)

    await until(shown, 10, "the page shows the count")


@pytest.mark.parametrize("width", [320, 768, 1366])
async def test_nothing_runs_out_of_the_screen(system: System, browser: Browser, width: int) -> None:
    url = await _publish(system)
    await system.put("a3", title="Ă" * 300, lead="ậ" * 2000, byline="y" * 200, tags=["t" * 50], section="k" * 90)
    long = str((await until(lambda: system.page("a3"), 5, "the page")).url)
    table = "<table><tr>" + "<th>Một cột rất dài</th>" * 30 + "</tr></table>"
    await system.put("a2", title="Bảng số liệu " * 10, body_html=f"<p>{'x' * 300}</p>{table}", slug="bang")
    wide = str((await until(lambda: system.page("a2"), 5, "the page")).url)
    page: Any = await browser.new_page(viewport={"width": width, "height": 800})
    for address in (url, wide, long, system.url("render") + "/", system.url("render") + "/khong/co-x.html"):
        await page.goto(address)
        assert await page.evaluate("document.documentElement.scrollWidth") <= width, address
        assert await page.evaluate("document.querySelectorAll('h1').length") == 1
        assert await page.evaluate("document.documentElement.lang") == "vi"


async def _accepted(system: System) -> bool:
    return await system.db.books.find_one({"accepted": {"$gt": 0}}) is not None
