"""The portal in the ways of its readers: without a script, by ear, in large text, with
late pictures, on paper, and as a kept file.
"""

import asyncio
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, Route

from tests.browser.portal_pages import LISTS, Pages, drawn_picture, page_path, upload
from tests.support.system import System

LATE = 0.8
"""Seconds by which pictures and fonts are late."""
SHIFTS = """window.shifts = []; new PerformanceObserver(list => shifts.push(...list.getEntries()
  .filter(each => each.sources.some(({node}) => node))
  .map(each => [each.value, each.sources.map(({node}) => node?.className || node?.nodeName)])
)).observe({type: 'layout-shift', buffered: true});"""
"""Notes what has moved. What moves within the browser's own controls of a player has no node."""
THROUGH = """async () => {
  for (let at = 0; at < document.body.scrollHeight; at += 500) {
    scrollTo(0, at);
    await new Promise(done => setTimeout(done, 60));
  }
  await Promise.all([...document.images].map(each => each.complete || each.decode()));
  await document.fonts.ready;
  await new Promise(done => setTimeout(done, 200));
}"""
"""Reads a page to its end, with all its pictures."""
ALL_LOADED = "[...document.images].every(each => each.complete && each.naturalWidth)"
PRINTED = f"window.print = () => {{ window.printed = {ALL_LOADED}; }};"
LINKS = """() => {
  const found = {};
  for (const each of document.querySelectorAll('a[href]:not(.body a)')) {
    const name = each.getAttribute('aria-label') || each.textContent.trim();
    (found[name] ??= new Set()).add(each.href);
  }
  return Object.entries(found).filter(([, urls]) => urls.size > 1).map(([name]) => name);
}"""
"""Names of links that lead to more than one place."""
NAMED = {"link", "button", "textbox", "searchbox", "combobox", "image", "region", "navigation"}


async def test_an_article_is_whole_without_javascript(pages: Pages, browser: Browser) -> None:
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await page.goto(pages.url + pages.articles["full"])
    # Nothing that does nothing is shown.
    assert await page.locator("button:visible").all_inner_texts() == ["Tìm"]
    assert await page.locator(".contents a").count() == 6
    await page.click(".contents a >> nth=2")
    assert page.url.endswith("#muc-3")
    await page.fill("#tim", "cầu")
    await page.press("#tim", "Enter")
    assert "/tim-kiem/?q=c%E1%BA%A7u" in page.url
    await context.close()


async def test_the_menu_opens_without_javascript_on_a_phone_and_stands_open_on_a_desk(
    pages: Pages, browser: Browser
) -> None:
    context = await browser.new_context(
        java_script_enabled=False, viewport={"width": 390, "height": 844}
    )
    page = await context.new_page()
    await page.goto(pages.url + "/")
    links, summary = page.locator(".sections a"), page.locator(".menu summary")
    assert await summary.inner_text() == "Chuyên mục"
    assert await links.first.is_hidden()
    await summary.click()
    assert await links.all_inner_texts() == [
        "Trang chủ", "Thời sự", "Kinh tế", "Văn hóa", "Giáo dục", "Du lịch"
    ]  # fmt: skip
    assert await links.first.is_visible()
    await links.nth(1).click()
    assert page.url.endswith("/thoi-su/")
    assert await links.first.is_hidden()
    await page.set_viewport_size({"width": 768, "height": 900})
    assert await summary.is_hidden()
    assert await links.first.is_visible()
    await context.close()


async def test_a_screen_reader_hears_an_article_in_order(pages: Pages, browser: Browser) -> None:
    page = await browser.new_page()
    await page.goto(pages.url + pages.articles["full"])
    tree = await page.locator("body").aria_snapshot()
    heard = [
        '- link "Chuyển đến nội dung chính"', "- banner:", '- search:',
        '- navigation "Chuyên mục":', "- main:", '- navigation "Đường dẫn":', "- article:",
        '- heading "Đủ mọi phần của một bài" [level=1]', '- term: "Thời gian đăng:"',
        '- term: "Lượt đọc:"', "- paragraph: Lời dẫn.", '- img "Cây cầu"',
        '- navigation "Trong bài này":', '- heading "Phần 0" [level=2]',
        '- region "Bảng số liệu"', '- heading "Tệp đính kèm" [level=2]',
        '- heading "Từ khóa" [level=2]', '- group "Chia sẻ, in, lưu":',
        '- complementary "Thông tin thêm":', "- contentinfo:",
    ]  # fmt: skip
    at = 0
    for each in heard:
        found = tree.find(each, at)
        assert found >= 0, f"{each} does not come in:\n{tree}"
        at = found
    await page.close()


async def test_text_grows_and_stays_so(pages: Pages, browser: Browser) -> None:
    page = await browser.new_page()
    await page.goto(pages.url + pages.articles["full"])
    size = "parseFloat(getComputedStyle(document.querySelector('.body p')).fontSize)"
    before = await page.evaluate(size)
    await page.click("[data-size='1']")
    larger = await page.evaluate(size)
    await page.reload()
    assert larger > before
    assert await page.evaluate(size) == larger
    await page.click("[data-size='-1']")
    assert await page.evaluate(size) == before
    assert await page.evaluate("localStorage.length") == 0
    await page.close()


async def tree_of(page: Page) -> list[tuple[str, str, Any]]:
    """(role, name, level) of each element that a screen reader is told of, as it reads them."""
    session = await page.context.new_cdp_session(page)
    nodes = {
        node["nodeId"]: node
        for node in (await session.send("Accessibility.getFullAXTree"))["nodes"]
    }
    found, left = list[tuple[str, str, Any]](), [next(iter(nodes))]
    while left:
        node = nodes.get(left.pop(), {"ignored": True})
        left += reversed(node.get("childIds", []))
        if not node["ignored"]:
            levels = [each for each in node.get("properties", []) if each["name"] == "level"]
            level = levels[0]["value"]["value"] if levels else None
            found.append((node["role"]["value"], node.get("name", {}).get("value", ""), level))
    await session.detach()
    return found


def faults_of_tree(tree: list[tuple[str, str, Any]]) -> list[object]:
    """What a screen reader's user would miss."""
    roles = Counter(role for role, *_ in tree)
    faults: list[object] = [
        (role, roles[role]) for role in ("banner", "main", "contentinfo") if roles[role] != 1
    ]
    faults += [
        (role, "has no name") for role, name, _ in tree if role in NAMED and not name.strip()
    ]
    areas = Counter(name for role, name, _ in tree if role == "navigation")
    faults += [("navigation", name) for name, number in areas.items() if number > 1]
    levels = [level for role, _, level in tree if role == "heading"]
    if levels[:1] != [1] or levels.count(1) != 1:
        faults.append(("headings", levels))
    faults += [("skipped", one, two) for one, two in pairwise(levels) if two > one + 1]
    return faults


async def test_a_screen_reader_finds_its_way_on_every_page(pages: Pages, browser: Browser) -> None:
    page, faults = await browser.new_page(), list[object]()
    for path in pages.paths(large=False):
        await page.goto(pages.url + path)
        faults += [(path, each) for each in faults_of_tree(await tree_of(page))]
        faults += [(path, "link", each) for each in await page.evaluate(LINKS)]
    await page.set_content("<main><h1>a</h1><h3>b</h3><a href='/x'></a></main>")
    assert faults_of_tree(await tree_of(page)) == [
        ("banner", 0), ("contentinfo", 0), ("link", "has no name"), ("skipped", 1, 3)
    ]  # fmt: skip
    print(f"\nthe trees of {len(pages.paths(large=False))} pages: {faults}")
    assert faults == []
    await page.close()


async def late(route: Route) -> None:
    await asyncio.sleep(LATE)
    await route.continue_()


@pytest.mark.parametrize("width", [390, 1440])
async def test_nothing_moves_when_pictures_and_fonts_are_late(
    pages: Pages, browser: Browser, width: int
) -> None:
    context = await browser.new_context(viewport={"width": width, "height": 900})
    await context.add_init_script(SHIFTS)
    await context.route("**/media/**", late)
    await context.route("**/*.woff2*", late)
    moved = {}
    for path in (
        "/",
        LISTS["section"],
        LISTS["found"],
        *(pages.articles[name] for name in ("full", "plain")),
    ):
        page = await context.new_page()
        await page.goto(pages.url + path, wait_until="commit")
        await page.wait_for_load_state("domcontentloaded")
        await page.evaluate(THROUGH)
        if found := await page.evaluate("shifts"):
            moved[path] = found
        await page.evaluate("scrollTo(0, 0); document.querySelector('main').prepend('x')")
        await page.wait_for_function("shifts.length", timeout=5000)  # what moves is noticed
        await page.close()
    print(f"\nlayout shifts at {width} px: {moved or 0}")
    assert moved == {}
    await context.close()


async def test_paper_has_every_picture_and_no_furniture(
    pages: Pages, system: System, browser: Browser
) -> None:
    for number in range(12):
        url = await upload(system, f"{number}.png", drawn_picture(10 + number))
        image = {"url": url, "alt": f"Ảnh {number}"}
        await system.put(f"p{number}", title=f"Bài có ảnh {number}", image=image)
        await page_path(system, f"p{number}")
    page = await browser.new_page(viewport={"width": 390, "height": 844})
    await page.add_init_script(PRINTED)
    for path, least in ((LISTS["section"], 13), (pages.articles["full"], 2)):
        await page.goto(pages.url + path)
        assert not await page.evaluate(ALL_LOADED)  # those below the screen are waited for
        # Browsers wait for what is loading when a reader prints; `pdf` does not.
        await page.evaluate("dispatchEvent(new Event('beforeprint'))")
        await page.wait_for_function(ALL_LOADED)
        printed = await page.pdf(format="A4")
        assert printed.count(b"/Subtype /Image") >= least, path
        await page.emulate_media(media="print")
        hidden = ".sections, .side, .foot, .actions, .tools form"
        assert await page.locator(f":is({hidden}):visible").count() == 0
        await page.emulate_media(media="screen")
    await page.reload()
    await page.click("[data-print]")
    await page.wait_for_function("'printed' in window")
    assert await page.evaluate("printed") is True
    await page.close()


async def test_a_kept_file_opens_alone(
    pages: Pages, system: System, browser: Browser, tmp_path: Path
) -> None:
    file = tmp_path / "kept.html"
    answer = await system.http.get(f"{pages.url}/luu/full.html")
    file.write_bytes(answer.raise_for_status().content)
    context = await browser.new_context(offline=True)
    page = await context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.goto(file.as_uri())
    assert await page.inner_text("h1") == "Đủ mọi phần của một bài"
    assert await page.inner_text(".lead") == "Lời dẫn."
    shown = "[...document.images].map(each => [each.alt, each.naturalWidth])"
    assert await page.evaluate(shown) == [["Cây cầu", 900], ["Trụ cầu", 600]]
    assert await page.locator("table").count() == 1
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    await context.close()
