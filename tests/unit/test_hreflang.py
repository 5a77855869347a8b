"""Translations are linked in both directions, in pages and in the sitemap, whatever editors name
and take down.
"""

import random
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from services.render.machine.hreflang import MOST_TRANSLATIONS, alternates_of, groups_of
from services.render.page import Page
from services.render.rendering.renderer import ALTERNATES_MARK
from tests.support.machine_articles import in_html, in_xml
from tests.support.page_store import PagesInMemory, page, withdrawn
from tests.support.sitemap_checks import XHTML, addresses_of, sitemap_faults
from tests.unit.test_render_answers import RENDERER, Site

LANGUAGES = ("vi", "en", "lo")
URL = RENDERER.site.url


def translated(name: str, language: str, *others: str, hours: int = 0) -> Page:
    """A page in a language that names its translations."""
    one = page(name, hours=hours)
    return replace(
        one,
        summary={**one.summary, "language": language},
        translated_as=[*others],
        parts=["<head>", ALTERNATES_MARK, "</head>"],
    )


async def links_of(*pages: Page) -> dict[str, str]:
    """By page: its links as `en:b vi:a`, for the pages that have some."""
    store = PagesInMemory()
    for each in pages:
        await store.put(each)
    found = await alternates_of(pages, store.translations)
    names = {each.path: each.id for each in pages}
    return {
        name: " ".join(sorted(f"{tag}:{names[path]}" for tag, path in paths.items()))
        for name, paths in found.items()
    }


async def test_one_side_names_the_other() -> None:
    both = "en:b vi:a"
    assert await links_of(translated("a", "vi", "b"), translated("b", "en")) == {
        "a": both,
        "b": both,
    }


async def test_a_chain_is_one_group() -> None:
    pages = translated("a", "vi", "b"), translated("b", "en", "c"), translated("c", "lo")
    assert await links_of(*pages) == dict.fromkeys("abc", "en:b lo:c vi:a")


async def test_of_two_pages_in_one_language_the_older_one_is_linked() -> None:
    pages = (
        translated("a", "vi", "b", hours=2),
        translated("b", "en"),
        translated("c", "vi", "b", hours=1),
    )
    assert await links_of(*pages) == dict.fromkeys("bc", "en:b vi:c")


async def test_a_page_that_names_itself_or_one_of_its_language_has_no_links() -> None:
    assert await links_of(translated("a", "vi", "a", "b"), translated("b", "vi")) == {}


async def test_a_withdrawn_translation_is_not_linked() -> None:
    store = PagesInMemory()
    one = translated("a", "vi", "b", "c")
    for each in (one, translated("b", "en"), translated("c", "lo"), withdrawn("c", 2)):
        await store.put(each)
    found = await alternates_of([one], store.translations)
    assert found == {"a": {"vi": one.path, "en": "/thoi-su/tin-b.html"}}


@pytest.mark.parametrize("size", [MOST_TRANSLATIONS, MOST_TRANSLATIONS + 1, 200])
async def test_a_group_has_a_bound_from_wherever_it_is_looked_at(size: int) -> None:
    store = PagesInMemory()
    chain = [translated(f"p{n}", f"l{chr(97 + n % 26)}-{n:04}", f"p{n + 1}") for n in range(size)]
    for each in chain:
        await store.put(each)
    for start in (chain[0], chain[size // 2], chain[-1]):
        found = await alternates_of([start], store.translations)
        assert len(found.get(start.id, {})) == (size if size <= MOST_TRANSLATIONS else 0)


async def test_a_page_without_translations_costs_one_question() -> None:
    store = PagesInMemory()
    await store.put(page("a"))
    assert await alternates_of([page("a")], store.translations) == {}
    assert [query for query, *_ in store.asked if query == "translations"] == ["translations"]


def test_groups_hold_every_page_once() -> None:
    pages = [translated("a", "vi", "b", "x"), translated("b", "en", "a"), translated("c", "vi")]
    assert [sorted(each.id for each in group) for group in groups_of(pages)] == [["a", "b"], ["c"]]


@pytest.mark.parametrize("seed", range(20))
async def test_links_of_a_generated_site_are_symmetric(seed: int) -> None:
    """Three languages, translations named at random on any side, some articles taken down."""
    rng, site = random.Random(seed), Site()
    names = [f"a{number}" for number in range(60)]
    for at, name in enumerate(names):
        others = rng.sample(names[max(0, at - 3) : at + 4], rng.choice([0, 0, 1, 2]))
        await site.store.put(translated(name, rng.choice(LANGUAGES), *others, hours=-at))
    for name in rng.sample(names, 10):
        await site.store.put(withdrawn(name, 2))
    await site.totals.load()

    in_pages = dict[str, dict[str, str]]()
    for each in site.store.pages.values():
        if each.state == "published":
            links = in_html((await site.ask(each.path)).body, "//link[@hreflang]")
            in_pages[URL + each.path] = {link.get("hreflang"): link.get("href") for link in links}
    in_sitemap = dict[str, dict[str, str]]()
    for address in addresses_of((await site.ask("/sitemap.xml")).body)[1:]:
        body = (await site.ask(urlsplit(address).path)).body
        assert sitemap_faults(body, URL) == []
        for entry in in_xml(body, "{*}url"):
            links = entry.findall(f"{XHTML}link")
            found = {link.get("hreflang"): link.get("href") for link in links}
            in_sitemap[entry[0].text] = found

    assert in_pages == in_sitemap
    assert sum(map(bool, in_pages.values())) >= 5
    for address, named in in_pages.items():
        assert not named or address in named.values()
        for language, other in named.items():
            assert in_pages[other] == named, f"{address} names {other} as {language}"
