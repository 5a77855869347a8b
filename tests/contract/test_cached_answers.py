"""The operators' guide says how old each answer may be: what is sent and kept is that."""

import re
from dataclasses import replace

import pytest

from services.render.app import MONTHS_SECONDS, NEIGHBOURS_SECONDS
from services.render.kinds import search_routes
from services.render.kinds.machine_routes import SITEMAP_SECONDS
from services.render.serving.fragments import FRESH_SECONDS
from tests.support.page_store import withdrawn
from tests.support.system import ROOT
from tests.unit.test_machine_pages import stored
from tests.unit.test_render_answers import PICTURE, RENDERER, Site
from tests.unit.test_render_search import FixedSearcher, searching_site

PAGE = (ROOT / "docs/operations.md").read_text()
SECTION = PAGE.partition("\n## How old an answer may be\n")[2].partition("\n## ")[0]
ROWS = re.findall(r"^\| (.+?) \| `(.+?)` \| (.*?) ?\| (.+?) \|$", SECTION, re.MULTILINE)[1:]
MEMORY = [0, NEIGHBOURS_SECONDS, FRESH_SECONDS, MONTHS_SECONDS, search_routes.FRESH_SECONDS,
          search_routes.FRESH_SECONDS, FRESH_SECONDS, SITEMAP_SECONDS, 0, 0, 0, 0]  # fmt: skip
"""Seconds in render's memory, by row."""
ASKED: list[list[str]] = [
    ["/thoi-su/tin-a.html", "/luu/a.html"],
    ["/thoi-su/tin-a.html"],
    ["/", "/thoi-su/", "/tu-khoa/x/", "/luu-tru/2026/11/", "/doc-nhieu/"],
    ["/luu-tru/"],
    ["/tim-kiem/?q=tin"],
    ["/goi-y/?q=tin"],
    ["/feed.xml", "/thoi-su/atom.xml"],
    ["/sitemap.xml", "/sitemap-lists.xml", "/sitemap-202611.xml", "/news-sitemap.xml"],
    ["/robots.txt", "/manifest.webmanifest", "/.well-known/gpc.json"],
    ["/thoi-su", "/x/x-a.html", "/favicon.ico", "/tu-khoa/X/"],
    ["/khong-co/", "/thoi-su/tin-b.html"],
    ["/static/style.css"],
    [RENDERER.files.url("style.css"), f"/media/{PICTURE}"],
]
"""What is asked for, by row."""


@pytest.fixture
async def both() -> tuple[Site, Site]:
    """A site with files for machines, and one with search."""
    one = Site()
    article = replace(stored("a", -1, tags=["x"]), tags=["x"], parts=["x"])
    for each in (article, withdrawn("b", 1)):
        await one.store.put(each)
    one.store.pictures[PICTURE] = "image/png", b"x"
    await one.totals.load()
    return one, await searching_site(FixedSearcher(["a"]), "a")


def test_the_table_has_a_row_for_each_kind() -> None:
    assert len(ROWS) == len(ASKED) == len(MEMORY) + 1


@pytest.mark.parametrize("number", range(len(ASKED)))
async def test_answers_are_cached_as_the_table_says(both: tuple[Site, Site], number: int) -> None:
    _, caching, *_ = ROWS[number]
    for address in ASKED[number]:
        path, _, query = address.partition("?")
        site = both[path in ("/tim-kiem/", "/goi-y/")]
        answer = await site.ask(path, query=query.encode())
        assert answer.headers[b"cache-control"].decode() == caching, address


@pytest.mark.parametrize("number", range(len(MEMORY)))
def test_the_last_column_is_the_sum(number: int) -> None:
    _, caching, memory, most = ROWS[number]
    outside = sum(map(int, re.findall(r"(?:max-age|while-revalidate)=(\d+)", caching)))
    assert (memory, most) == (f"{MEMORY[number]:.0f} s", f"{MEMORY[number] + outside:.0f} s")
