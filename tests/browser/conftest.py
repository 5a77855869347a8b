"""A real browser."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, async_playwright

from tests.browser.portal_pages import Pages, publish_portal
from tests.support.system import System

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking "
    "--disable-component-update --disable-sync"
).split()


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """Chromium; without it the test fails."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest.fixture
async def pages(system: System) -> Pages:
    """A portal with every kind of page."""
    return await publish_portal(system)
