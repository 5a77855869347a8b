"""The pages of figures in a browser: for both themes, both languages and every screen."""

import asyncio
import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.async_api import Browser, Page

from services.stats.readers.scopes import WHOLE_SITE, ReaderScope
from shared.storage.quarters import quarter_of
from tests.support.plain_traffic import PlainRead, PlainTraffic, PlainWriter
from tests.support.readers_past import write_readers
from tests.support.system import ROOT, System, until
from tests.support.traffic_past import Past, newest, write_past

AXE = ROOT / "node_modules/axe-core/axe.min.js"
NU = ROOT / "node_modules/vnu-jar/build/dist/vnu.jar"
PAST = Past(articles=60, days=120)
NAMES = {
    "long": "Dài" * 100,
    "markup": "</h1><script>alert(1)</script>&amp;'\"<svg onload=alert(1)>",
    "rtl": "\u202eخبر עברית\u2066 2026",
}
"""Titles by article."""
Views = tuple[tuple[Literal["light", "dark"], int], ...]
"""Themes and widths."""
HEIGHT = 900
CROSS: Views = (("light", 360), ("dark", 1440))
ALL: Views = (*CROSS, ("dark", 360), ("light", 1440))
LOOKS = pytest.mark.parametrize(
    "views",
    [
        pytest.param((CROSS, ALL[2:]), id="each view once"),
        pytest.param((ALL, ALL), id="all", marks=pytest.mark.long),
    ],
)
"""For tables that are closed, and that are open."""
OVERLAPS = """() => [...document.querySelectorAll('svg.plot')].flatMap(plot => {
  const texts = [...plot.querySelectorAll('text')];
  const boxes = texts.map(t => [t.textContent, t.getBoundingClientRect()]);
  const beside = (a, b) => a.left < b.right && b.left < a.right;
  const touching = (a, b) => beside(a, b) && a.top < b.bottom && b.top < a.bottom;
  const found = boxes.filter(([, b]) => b.width && (b.left < 0 || b.right > innerWidth + .5));
  boxes.forEach(([, a], i) => boxes.slice(i + 1).forEach(([text, b]) => {
    if (touching(a, b)) found.push([text, b]);
  }));
  return found.map(([text]) => text);
})"""


def known_article(name: str, title: str) -> dict[str, Any]:
    """What the catalogue has of an article."""
    return {
        "_id": name, "v": 1, "revision": 1, "state": "published", "title": title,
        "url": f"https://example.vn/{name}", "section": "thoi-su", "baseline": 0,
        "published_at": datetime.now(UTC) - timedelta(hours=1), "content_revision": 1,
    }  # fmt: skip


@dataclass
class Figures:
    """A running stats with a past."""

    url: str
    paths: tuple[str, ...]


@pytest.fixture
async def figures(system: System) -> Figures:
    """Its pages have lists and sections."""
    now = datetime.now(UTC)
    await write_past(system.db, now, PAST)
    await write_readers(system.db, now, 60, (WHOLE_SITE, ReaderScope("article", newest(PAST))))
    sections = "thoi-su=Thời sự,kinh-te=Kinh tế,van-hoa=Văn hóa,giao-duc=Giáo dục,du-lich=Du lịch"
    url = (await system.start("stats", sections=sections)).url
    article = f"/stats/articles/{newest(PAST)}/"

    async def ready() -> bool:
        text = (await system.http.get(f"{url}/stats/?period=all")).text
        return 'aria-labelledby="sections-heading"' in text and 'class="spark"' in text

    await until(ready, 30, "the lists and sections are ready")
    return Figures(url, ("/stats/?period=30d", article, "/stats/articles/none/"))


async def opened(browser: Browser, url: str, theme: Any, width: int) -> tuple[Page, list[str]]:
    """A page, and what its browser has to say against it."""
    context = await browser.new_context(
        viewport={"width": width, "height": HEIGHT}, color_scheme=theme, reduced_motion="reduce"
    )
    page, trouble = await context.new_page(), list[str]()
    page.on("console", lambda message: trouble.append(message.text))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("requestfailed", lambda request: trouble.append(request.url))
    answer = await page.goto(url)
    assert answer
    if answer.status in (404, 410):  # of which Chromium tells on its console
        trouble.clear()
    return page, trouble


async def faults_of_axe(page: Page) -> list[str]:
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE.read_text())
    found = await page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{each['id']}: {node['target']}" for each in found["violations"] for node in each["nodes"]
    ]


async def faults_of_views(page: Page, views: Views = ALL) -> list[Any]:
    """What is wrong with a page as it is now, in each of `views`."""
    faults: list[Any] = []
    for theme, width in views:
        await page.emulate_media(color_scheme=theme)
        await page.set_viewport_size({"width": width, "height": HEIGHT})
        found: list[Any] = [("axe", each) for each in await faults_of_axe(page)]
        found += [("texts touch", each) for each in await page.evaluate(OVERLAPS)]
        if await page.evaluate("document.documentElement.scrollWidth") > width:
            found.append("scrolls")
        faults += [(theme, width, each) for each in found]
    return faults


async def faults_of_pages(
    browser: Browser,
    url: str,
    paths: Sequence[str],
    views: tuple[Views, Views],
    codes: Sequence[str] = ("vi", "en"),
) -> tuple[int, list[Any]]:
    """How many views there are of some pages, and what is wrong with them: with their tables closed
    and open.
    """
    faults: list[Any] = []
    for path, code in product(paths, codes):
        address = f"{url}{path}{'&' if '?' in path else '?'}lang={code}"
        page, trouble = await opened(browser, address, *CROSS[0])
        found: list[Any] = [("closed", *each) for each in await faults_of_views(page, views[0])]
        for details in await page.locator("summary").all():
            await details.click()
        found += [("open", *each) for each in await faults_of_views(page, views[1])]
        if await page.evaluate("document.documentElement.lang") != code:
            found.append("language")
        await page.context.close()
        faults += [(path, code, each) for each in found + trouble]
    return len(paths) * len(codes) * len({*views[0], *views[1]}), faults


@LOOKS
async def test_pages_of_figures_are_for_everybody(
    figures: Figures, browser: Browser, views: tuple[Views, Views]
) -> None:
    looked, faults = await faults_of_pages(browser, figures.url, figures.paths, views)
    print(f"\n{looked} views of {len(figures.paths)} pages: {len(faults)} faults")
    assert faults == []


@LOOKS
async def test_pages_without_figures_are_for_everybody(
    system: System, browser: Browser, views: tuple[Views, Views]
) -> None:
    """A portal without a read, and one that is an hour old, with names that nobody expects."""
    await system.db.catalogue.insert_many([known_article(*each) for each in NAMES.items()])
    names = f"thoi-su={'Rất' * 66}."
    url = (await system.start("stats", sections=names, time_zone="America/New_York")).url
    paths = ["/stats/?period=all", "/stats/?period=24h", "/stats/articles/long/"]
    first, then = (("vi",), ("en",)) if views[0] == CROSS else (("vi", "en"),) * 2
    looked, faults = await faults_of_pages(browser, url, paths, views, first)
    current = quarter_of(datetime.now(UTC))
    reads = [PlainRead(name, current - back, 7 + back) for name in NAMES for back in range(4)]
    await PlainWriter(system.motor, system.db, PlainTraffic()).count(reads, datetime.now(UTC), 0)

    async def ready() -> bool:
        text = (await system.http.get(f"{url}/stats/?period=24h")).text
        return 'aria-labelledby="sections-heading"' in text and 'class="spark"' in text

    await until(ready, 30, "the lists and sections are ready")
    paths += ["/stats/articles/rtl/", "/stats/articles/markup/"]
    read, more = await faults_of_pages(browser, url, paths, views, then)
    print(f"\n{looked} views without reads, {read} after an hour: {len(faults + more)} faults")
    assert faults + more == []


@pytest.mark.long  # it needs Java
async def test_the_nu_checker_says_nothing(
    figures: Figures, system: System, tmp_path: Path
) -> None:
    files = list[Path]()
    for path, code in product((*figures.paths, "/stats/"), ("vi", "en")):
        answer = await system.http.get(
            f"{figures.url}{path}{'&' if '?' in path else '?'}lang={code}"
        )
        files.append(tmp_path / f"{len(files)}.html")
        files[-1].write_text(answer.text)
    command = ["java", "-Xss1m", "-jar", str(NU), "--format", "json", "--exit-zero-always"]
    run = partial(subprocess.run, capture_output=True, text=True, check=True)
    done = await asyncio.to_thread(run, [*command, *map(str, files)])
    told = json.loads(done.stderr)["messages"]
    print(f"\nthe Nu checker on {len(files)} pages: {len(told)} messages")
    assert [(each["message"], each.get("extract")) for each in told] == []


async def test_what_is_wrong_with_a_page_would_be_found(browser: Browser) -> None:
    page = await browser.new_page(viewport={"width": 360, "height": 900})
    await page.set_content(
        '<svg class="plot" width="100%"><text x="0" y="20">một</text><text x="9" y="22">hai</text>'
        '</svg><img src="data:,"><p style="width: 500px">rộng</p>'
    )
    assert await page.evaluate(OVERLAPS) == ["hai"]
    assert {each.partition(":")[0] for each in await faults_of_axe(page)} >= {
        "html-has-lang",
        "image-alt",
    }
    assert await page.evaluate("document.documentElement.scrollWidth") > 360


async def test_each_theme_and_each_width_is_looked_at(browser: Browser) -> None:
    page = await browser.new_page()
    await page.set_content(
        "<style>@media (prefers-color-scheme: dark) { p { color: #333; background: #000 } }"
        '</style><main><h1>Một</h1><p style="width: 500px">rộng</p></main>'
    )
    faults = await faults_of_views(page)
    dull = {each[:2] for each in faults if "color-contrast" in str(each[2])}
    assert dull == {("dark", 360), ("dark", 1440)}
    assert {each[:2] for each in faults if each[2] == "scrolls"} == {("light", 360), ("dark", 360)}
