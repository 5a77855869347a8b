"""The portal by keyboard alone."""

from typing import Any

import pytest
from playwright.async_api import Browser

from tests.browser.portal_pages import LISTS, Pages

LOOKS_OF = """const looksOf = each => [each, ...each.querySelectorAll('path')].flatMap(part =>
  [null, '::after'].map(at => getComputedStyle(part, at)).flatMap(look => [look.outlineStyle,
    look.outlineWidth, look.boxShadow, look.stroke, look.strokeWidth])).join()"""
STEP = f"""() => {{
  {LOOKS_OF};
  const before = window.focused, now = document.activeElement;
  if (before?.element === now) return {{same: true}};
  const told = {{same: false, end: !now || now === document.body || window.stops?.has(now)}};
  if (before) told.marked = looksOf(before.element) !== before.looks;
  if (told.end) return told;
  (window.stops ??= new Set()).add(now);
  const box = now.getBoundingClientRect();
  told.name = now.outerHTML.slice(0, 90);
  told.seen = box.width > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0
    && box.left < innerWidth;
  told.forward = !before || Boolean(before.element.compareDocumentPosition(now) & 4);
  window.focused = {{element: now, looks: looksOf(now)}};
  return told;
}}"""
"""What is true of the element with the focus, and whether the one before looks otherwise now."""
STOPS = """() => [...document.querySelectorAll(
  'a[href], button, input, select, summary, audio[controls], [tabindex="0"]'
)].filter(each => each.getClientRects().length && getComputedStyle(each).visibility === 'visible'
).length"""


@pytest.mark.parametrize("width", [390, 1440])
async def test_everything_is_reached_by_keyboard_and_the_focus_is_seen(
    pages: Pages, browser: Browser, width: int
) -> None:
    page = await browser.new_page(viewport={"width": width, "height": 844})
    for path in ("/", pages.articles["full"], LISTS["found"]):
        await page.goto(pages.url + path)
        await page.evaluate("document.activeElement.blur()")  # the search page takes the focus
        told, faults = list[dict[str, Any]](), list[object]()
        wanted = await page.evaluate(STOPS)
        for _ in range(300):
            await page.keyboard.press("Tab")
            step = await page.evaluate(STEP)
            if step["same"]:  # the next of a player's controls
                continue
            if step.get("marked") is False:
                faults.append(("the focus is not seen", told[-1]["name"]))
            if step["end"]:
                break
            told.append(step)
            faults += [(name, step["name"]) for name in ("seen", "forward") if not step[name]]
        assert faults == []
        assert len(told) == wanted, [each["name"] for each in told]
    await page.close()


async def test_the_first_stop_leads_past_the_menu_and_the_menu_opens_by_keyboard(
    pages: Pages, browser: Browser
) -> None:
    page = await browser.new_page(viewport={"width": 390, "height": 844})
    await page.goto(pages.url + pages.articles["full"])
    await page.keyboard.press("Tab")
    skip = page.locator(":focus")
    assert await skip.inner_text() == "Chuyển đến nội dung chính"
    box = await skip.bounding_box()
    assert box is not None
    assert box["y"] >= 0
    await page.keyboard.press("Enter")
    assert await page.evaluate("document.activeElement.localName") == "main"
    await page.keyboard.press("Tab")
    assert await page.locator("main :focus").inner_text() == "Trang chủ"
    await page.locator(".menu summary").focus()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    assert await page.locator(".sections :focus").inner_text() == "Trang chủ"
    await page.keyboard.press("Shift+Tab")
    await page.keyboard.press("Enter")
    assert await page.locator(".sections a").first.is_hidden()
    await page.close()
