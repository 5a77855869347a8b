"""The portal's pages for everybody: on every kind of page and on articles unlike the samples, in
Chromium.
"""

import asyncio
import gzip
import json
import subprocess
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser

from tests.browser.portal_articles import ARTICLES
from tests.browser.test_figures import NU, faults_of_axe
from tests.support.system import EDITOR, ROOT, System, until

LISTS = (
    "/",
    "/thoi-su/",
    "/tu-khoa/cầu/",
    "/luu-tru/",
    "/doc-nhieu/",
    "/tim-kiem/?q=cau",
    "/none/",
)
MEDIA = ROOT / "deploy/local/samples/media"
LARGEST = 30 << 10
"""Bytes of a compressed article page without its pictures, at most."""
CLIPPED = """() => [...document.querySelectorAll('main *')].filter(each =>
  each.clientWidth && !each.closest('.scroll, .hidden, audio, pre')
  && each.getBoundingClientRect().right > innerWidth + 1).map(each => each.tagName)"""


@dataclass
class Pages:
    """A render with one article of each sort."""

    url: str
    articles: dict[str, str]
    """Paths of the articles' pages by their ids."""

    def paths(self, *, large: bool = True) -> list[str]:
        """Every page."""
        held = [path for name, path in self.articles.items() if large or name != "large"]
        return [*LISTS, *held]


@pytest.fixture
async def pages(system: System) -> Pages:
    """Render and ingest; pictures are of the site's own."""
    await system.start("ingest")
    ingest = system.url("ingest")
    url = (await system.start("render", reads_url=f"{ingest}/reads")).url
    content = (MEDIA / "cau-song.webp").read_bytes()
    answer = await system.http.put(f"{ingest}/media/cau.webp", content=content, headers=EDITOR)
    picture = urlsplit(answer.raise_for_status().json()["url"]).path
    for name, body in ARTICLES.items():
        text = json.dumps(body).replace("/media/none.webp", picture)
        (await system.put(name, **json.loads(text))).raise_for_status()
    found = {}
    for name in ARTICLES:
        page = await until(partial(system.page, name), 15, f"the page of {name}")
        found[name] = page.url.raw_path.decode()
    return Pages(url, found)


async def test_text_of_twice_the_size_and_forced_colours_lose_nothing(
    pages: Pages, browser: Browser
) -> None:
    faults: list[object] = []
    for path in pages.paths(large=False):
        context = await browser.new_context(
            viewport={"width": 640, "height": 900}, forced_colors="active", bypass_csp=True
        )
        page = await context.new_page()
        await page.goto(pages.url + path)
        faults += [(path, each) for each in await faults_of_axe(page)]
        await page.add_style_tag(content="html { font-size: 200% }")
        faults += [(path, "clipped", each) for each in await page.evaluate(CLIPPED)]
        if await page.evaluate("document.documentElement.scrollWidth") > 640:
            faults.append((path, "scrolls"))
        await context.close()
    print(f"\n{len(pages.paths(large=False))} pages at 200 % in forced colours: {faults}")
    assert faults == []


async def test_pages_are_small(pages: Pages, system: System) -> None:
    sizes = {}
    for path in pages.paths(large=False):
        sizes[path] = len(gzip.compress((await system.http.get(pages.url + path)).content))
    most = max(sizes, key=lambda path: sizes[path])
    print(f"\nthe largest page has {sizes[most]} bytes compressed: {most}")
    assert sizes[most] < LARGEST


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


@pytest.mark.long  # it needs Java
async def test_the_nu_checker_says_nothing_about_the_portal(
    pages: Pages, system: System, tmp_path: Path
) -> None:
    files = list[Path]()
    for path in [*pages.paths(), *(f"/luu/{name}.html" for name in ("full", "rtl"))]:
        files.append(tmp_path / f"{len(files)}.html")
        files[-1].write_text((await system.http.get(pages.url + path)).text)
    command = ["java", "-Xss1m", "-jar", str(NU), "--format", "json", "--exit-zero-always"]
    run = partial(subprocess.run, capture_output=True, text=True, check=True)
    done = await asyncio.to_thread(run, [*command, *map(str, files)])
    told = json.loads(done.stderr)["messages"]
    print(f"\nthe Nu checker on {len(files)} pages of the portal: {len(told)} messages")
    assert [(each["message"], each.get("extract"), each["url"][-8:]) for each in told] == []
