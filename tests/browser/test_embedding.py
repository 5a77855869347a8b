"""What other sites embed, on a page of another origin under a strict policy: in both themes, on a
phone and on a desk.
"""

import base64
import hashlib
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from services.stats.embedding.badges import LABELS
from tests.browser.outcomes import site
from tests.browser.test_figures import ALL, faults_of_axe, opened
from tests.browser.test_live_pages import portal, shows
from tests.integration.test_live import read_by
from tests.support.system import System, until

STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 sans-serif; }
body { max-width: 46rem; margin: 0 auto; padding: 1rem; }
section { border: 1px solid #8886; border-radius: .5rem; padding: 0 1rem; margin: 1rem 0; }
[data-luotdoc] { font-variant-numeric: tabular-nums; }
img { vertical-align: middle; margin: .15rem; }
"""
BADGES = [f"{name}.svg?lang={code}" for code in LABELS for name in (*LABELS[code], "24h", "7d")]
BADGES += [f"total.svg?article=a1&lang={code}" for code in LABELS]
TEXTS_FIT = """picture => {
  const parsed = new DOMParser().parseFromString(picture, 'image/svg+xml');
  const svg = document.importNode(parsed.documentElement, true);
  document.body.append(svg);
  const found = [...svg.querySelectorAll('text')].map(text => {
    const length = text.getAttribute('textLength');
    text.removeAttribute('textLength');
    return [text.textContent, length / text.getComputedTextLength()];
  });
  svg.remove();
  return found;
}"""


def foreign(stats: str) -> tuple[str, str]:
    """The HTML of another site's page, and its policy."""
    pictures = "".join(
        f'<img src="{stats}/stats/badge/{each.replace("&", "&amp;")}" alt="{each}">\n'
        for each in BADGES
    )
    html = f"""<!doctype html><html lang="vi"><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Một trang khác</title><style>{STYLE}</style>
<main><h1>Cổng bạn đọc</h1>
<section><h2>Cổng thông tin điện tử</h2>
<p>Tổng lượt đọc: <b data-luotdoc="total">…</b>, hôm nay <b data-luotdoc="today">…</b>, trong tháng
<b data-luotdoc="month">…</b></p>
<p>Bài “Người giữ lửa đờn ca tài tử”: <b data-luotdoc="total" data-article="a1">…</b> lượt đọc</p>
</section><section><h2>Huy hiệu</h2><p>{pictures}</p></section></main>
<script src="{stats}/stats/widget.js" defer data-live></script>"""
    style = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    return html, (
        f"default-src 'none'; script-src {stats}; connect-src {stats}; img-src {stats}; "
        f"style-src 'sha256-{style}'; require-trusted-types-for 'script'; trusted-types 'none'"
    )


async def faults_of(page: Page, width: int) -> list[Any]:
    """What is wrong with the page once its figures are there."""
    faults: list[Any] = list(await faults_of_axe(page))
    if await page.evaluate("document.documentElement.scrollWidth") > width:
        faults.append("scrolls")
    for picture in await page.locator("img").all():
        wide, high = await picture.evaluate("img => [img.naturalWidth, img.naturalHeight]")
        if not (40 < wide <= 300 and high == 20):
            faults.append((await picture.get_attribute("src"), wide, high))
    return faults


async def test_figures_on_another_site_are_for_everybody(system: System, browser: Browser) -> None:
    stats, _ = await portal(system)
    await read_by(system, "a1", 1, 2)
    html, policy = foreign(stats.url)
    faults: list[Any] = []
    async with site(html, policy) as address:
        for theme, width in ALL:
            page, trouble = await opened(browser, address, theme, width)
            for selector in ('[data-luotdoc="total"]', '[data-article="a1"]'):
                await until(shows(page, selector, "1.234.569"), 10, "the total")
            await until(shows(page, '[data-luotdoc="today"]', "2"), 10, "today's")
            await page.wait_for_function("[...document.images].every(each => each.complete)")
            faults += [(theme, width, each) for each in trouble + await faults_of(page, width)]
            await page.context.close()
    print(f"\n4 views of another site's page with {len(BADGES)} badges: {len(faults)} faults")
    assert faults == []


@pytest.mark.parametrize("code", LABELS)
async def test_the_texts_of_a_badge_are_neither_squeezed_nor_torn(
    system: System, browser: Browser, code: str
) -> None:
    stats, _ = await portal(system)
    page = await browser.new_page()
    stretched: dict[str, float] = {}
    for badge in BADGES:
        if f"lang={code}" in badge:
            picture = await system.http.get(f"{stats.url}/stats/badge/{badge}")
            stretched |= dict(await page.evaluate(TEXTS_FIT, picture.text))
    print(f"\n{code}: stretched by {min(stretched.values()):.2f} to {max(stretched.values()):.2f}")
    assert {text: by for text, by in stretched.items() if not 0.85 <= by <= 1.2} == {}
