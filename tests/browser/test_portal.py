"""The portal's pages for everybody: on every kind of page and on articles unlike the samples, in
Chromium.
"""

import asyncio
import gzip
import json
import subprocess
from functools import partial
from itertools import product
from pathlib import Path
from typing import Literal

import pytest
from playwright.async_api import Browser

from tests.browser.portal_pages import Pages
from tests.browser.test_figures import NU, Views, faults_of_axe, faults_of_views, opened
from tests.support.system import System

AXE_RUNS = pytest.mark.parametrize(
    "whole",
    [
        pytest.param(False, id="each view once"),
        pytest.param(True, id="all", marks=pytest.mark.long),
    ],
)
LARGEST = 30 << 10
"""Bytes of a compressed article page without its pictures, at most."""
CLIPPED = """() => [...document.querySelectorAll('main *')].filter(each =>
  each.clientWidth && !each.closest('.scroll, .hidden, audio, pre')
  && each.getBoundingClientRect().right > innerWidth + 1).map(each => each.tagName)"""
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
EVERY: Views = tuple(product(THEMES, (320, 390, 768, 1440)))


@AXE_RUNS
async def test_pages_of_the_portal_are_for_everybody(
    pages: Pages, browser: Browser, whole: bool
) -> None:
    """Each page in each view, or in one of them and each view about as often."""
    paths, faults, looked = pages.paths(large=whole), list[object](), 0
    for number, path in enumerate(paths):
        views = EVERY if whole else (EVERY[number % len(EVERY)],)
        page, trouble = await opened(browser, pages.url + path, *views[0])
        faults += [(path, *each) for each in await faults_of_views(page, views)]
        if path != pages.articles["hostile"]:  # whose picture is nowhere
            faults += [(path, each) for each in trouble]
        looked += len(views)
        await page.context.close()
    print(f"\n{looked} views of {len(paths)} pages of the portal: {len(faults)} faults")
    assert faults == []


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
