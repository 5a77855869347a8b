"""A reader's browser: pages are shown as they are meant, and reads come from real page views."""

from typing import Any

import pytest
from playwright.async_api import Browser

from tests.support.system import System, until


async def _publish(system: System) -> str:
    await system.start("ingest")
    ingest = system.url("ingest")
    await system.start("render", reads_url=f"{ingest}/reads")
    await system.start("counter", flush_interval="0.1")
    await system.put(
        "a1", title="Một ngày ở bến Gạo", lead="Đò sớm.", body_html="<p>" + "Chữ " * 400 + "</p>"
    )
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
    # A headless browser says so in its user agent; the books show that its read arrived and was
    # told apart.
    await until(lambda: _accepted(system), 10, "the read arrives")
    books = [document async for document in system.db.books.find()]
    assert books[0]["filtered"] == {"bot": 1}
    assert trouble == []


async def test_the_page_shows_how_often_it_was_read(system: System, browser: Browser) -> None:
    url = await _publish(system)
    for number in range(3):
        await system.read(
            "a1",
            agent=f"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.{number}",
        )

    async def shown() -> bool:
        page = await browser.new_page()
        await page.goto(url)
        text = await page.inner_text("[data-reads]")
        await page.close()
        return text == "3"

    await until(shown, 10, "the page shows the count")


@pytest.mark.parametrize("width", [320, 768, 1366])
async def test_nothing_runs_out_of_the_screen(system: System, browser: Browser, width: int) -> None:
    url = await _publish(system)
    await system.put(
        "a3", title="Ă" * 300, lead="ậ" * 2000, byline="y" * 200, tags=["t" * 50], section="k" * 90
    )
    long = str((await until(lambda: system.page("a3"), 5, "the page")).url)
    table = "<table><tr>" + "<th>Một cột rất dài</th>" * 30 + "</tr></table>"
    await system.put(
        "a2", title="Bảng số liệu " * 10, body_html=f"<p>{'x' * 300}</p>{table}", slug="bang"
    )
    wide = str((await until(lambda: system.page("a2"), 5, "the page")).url)
    page: Any = await browser.new_page(viewport={"width": width, "height": 800})
    for address in (
        url,
        wide,
        long,
        system.url("render") + "/",
        system.url("render") + "/khong/co-x.html",
    ):
        await page.goto(address)
        assert await page.evaluate("document.documentElement.scrollWidth") <= width, address
        assert await page.evaluate("document.querySelectorAll('h1').length") == 1
        assert await page.evaluate("document.documentElement.lang") == "vi"


async def _accepted(system: System) -> bool:
    return await system.db.books.find_one({"accepted": {"$gt": 0}}) is not None
