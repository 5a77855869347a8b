"""Pictures of the dashboards: the drawn pages in Chromium, saved as PNG."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.async_api import async_playwright

from deploy.grafana.board import NAMES
from tests.browser.conftest import ARGUMENTS, CHROMIUM
from tests.watch.dashboards import Watched
from tests.watch.drawing import page

COLORS = 192
"""Of the picture: a flat page needs no more, and is a third of the bytes."""


async def save(watched: Sequence[Watched], folder: Path) -> list[Path]:
    """Write `dashboard-<name>.png` for each; answers the files."""
    files = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        tab = await browser.new_page()
        for one in watched:
            await tab.set_content(page(one.board, one.span, one.answers))
            png = await tab.locator("body").screenshot()
            image = Image.open(BytesIO(png)).convert("RGB").quantize(COLORS)
            files.append(folder / f"dashboard-{NAMES[one.board.key].lower()}.png")
            image.save(files[-1], optimize=True)
        await browser.close()
    return files
