"""A site of two languages: each list says its name in the language of the page, and names its own
addresses in the others.
"""

import json
from dataclasses import replace
from typing import Any
from urllib.parse import unquote, urlsplit

import feedparser
import pytest

from services.render.page import Page
from services.render.rendering.renderer import Renderer
from services.render.settings import RenderSettings
from tests.support.feed_checks import atom_faults, rss_faults
from tests.support.machine_articles import event_article, in_html, in_xml
from tests.support.page_store import page, withdrawn
from tests.support.sitemap_checks import XHTML, addresses_of, sitemap_faults
from tests.support.system import ROOT
from tests.unit.test_machine_pages import stored
from tests.unit.test_render_answers import Site

COURIER = Renderer(
    RenderSettings(
        amqp_url="amqp://a@h",
        mongo_url="mongodb://h/d?replicaSet=r",
        site=ROOT / "tests/cases/site-en/site.toml",  # type: ignore[arg-type]
    )
)
"""English first, Vietnamese under `/vi/`."""
URL = "https://courier.example.org"


def in_language(language: str, name: str, hours: int, **keys: Any) -> Page:
    """A page of a language in the section news."""
    section = keys.pop("section", "news")
    return replace(stored(name, hours, section, language=language), language=language, **keys)


@pytest.fixture
async def courier() -> Site:
    """Articles in both languages; `river` and `floods` are in both, `desk` is in English only."""
    one = Site(renderer=COURIER)
    for each in (
        in_language("en", "e1", 1, tags=["river", "desk"], topic="floods"),
        in_language("en", "e2", 2, section="council"),
        in_language("vi", "v1", 3, tags=["river"], topic="floods"),
        *(in_language("vi", f"w{number}", -number) for number in range(25)),
    ):
        await one.store.put(each)
    await one.totals.load()
    return one


async def links_of(site: Site, path: str, query: bytes = b"") -> dict[str, str]:
    """The addresses of a page by language, as its head names them."""
    answer = await site.ask(path, query=query)
    assert answer.status == 200, path
    links = in_html(answer.body, "//link[@hreflang]")
    assert len({link.get("hreflang") for link in links}) == len(links)
    return {link.get("hreflang"): link.get("href") for link in links}


OF_ARTICLES = ["/luu-tru/2026/11/", "/tu-khoa/river/", "/chu-de/floods/"]
PLAIN = ["/", "/news/", "/politics/", "/council/", "/sport/", "/luu-tru/", "/doc-nhieu/"]


@pytest.mark.parametrize("path", [*PLAIN, *OF_ARTICLES])
async def test_a_list_and_its_translation_name_each_other(courier: Site, path: str) -> None:
    expected = {"en": URL + path, "vi": f"{URL}/vi{path}", "x-default": URL + path}
    assert await links_of(courier, path) == expected
    assert await links_of(courier, f"/vi{path}") == expected


async def test_what_is_in_one_language_alone_names_no_other(courier: Site) -> None:
    assert await links_of(courier, "/tu-khoa/desk/") == {}
    assert (await courier.ask("/vi/tu-khoa/desk/")).status == 404


async def test_a_tag_with_diacritics_is_named_percent_encoded(courier: Site) -> None:
    for language in ("en", "vi"):
        await courier.store.put(in_language(language, f"{language}9", 9, tags=["lũ-quét"]))
    named = await links_of(courier, "/vi/tu-khoa/lũ-quét/")
    assert named["vi"] == f"{URL}/vi/tu-khoa/l%C5%A9-qu%C3%A9t/"
    assert await links_of(courier, unquote(urlsplit(named["en"]).path)) == named


async def test_the_most_read_of_a_week_name_those_of_a_week(courier: Site) -> None:
    named = await links_of(courier, "/doc-nhieu/", b"trong=7d")
    assert named["vi"] == f"{URL}/vi/doc-nhieu/?trong=7d"
    assert await links_of(courier, "/vi/doc-nhieu/", b"trong=7d") == named


async def test_later_parts_of_a_list_have_no_translation(courier: Site) -> None:
    first = (await courier.ask("/vi/news/")).body
    (older,) = in_html(first, "//link[@rel='next']/@href")
    path, _, query = older.partition("?")
    assert await links_of(courier, path, query.encode()) == {}


async def test_the_sitemap_of_lists_says_the_same_as_the_lists(courier: Site) -> None:
    body = (await courier.ask("/sitemap-lists.xml")).body
    assert sitemap_faults(body, URL) == []
    assert sorted(addresses_of(body)) == sorted(
        URL + prefix + path for path in PLAIN for prefix in ("", "/vi")
    )
    for entry in in_xml(body, "{*}url"):
        links = entry.findall(f"{XHTML}link")
        found = {link.get("hreflang"): link.get("href") for link in links}
        assert found == await links_of(courier, urlsplit(entry[0].text).path)


async def test_a_site_of_one_language_names_none() -> None:
    site = Site()
    await site.store.put(page("a"))
    await site.totals.load()
    for path in ("/", "/thoi-su/", "/luu-tru/"):
        assert await links_of(site, path) == {}


@pytest.mark.parametrize(
    ("path", "heading", "name", "about"),
    [
        ("/news/", "News", "The Vinh Ngan Courier", "What happened today"),
        ("/vi/news/", "Thời sự", "Báo Vĩnh Ngàn", "What happened today"),
        ("/vi/council/", "Council", "Báo Vĩnh Ngàn", "Tin bên sông"),
    ],
)
async def test_a_section_is_named_in_the_language_of_the_page(
    courier: Site, path: str, heading: str, name: str, about: str
) -> None:
    body = (await courier.ask(path)).body
    assert in_html(body, "//h1/text()") == [heading]
    assert in_html(body, "//head/title/text()") == [f"{heading} | {name}"]
    assert in_html(body, "//meta[@name='description']/@content") == [about]
    assert in_html(body, "//meta[@property='og:title']/@content") == [heading]
    (data,) = in_html(body, "//script[@type='application/ld+json']/text()")
    (crumbs,) = json.loads(data)["@graph"]
    home = f"{URL}/vi/" if path.startswith("/vi") else f"{URL}/"
    assert [(each["name"], each["item"]) for each in crumbs["itemListElement"]] == [
        (name, home),
        (heading, URL + path),
    ]
    for form in ("feed", "atom"):
        feed = feedparser.parse((await courier.ask(f"{path}{form}.xml")).body).feed
        assert (feed.title, feed.subtitle) == (
            f"{heading} – {name}",
            "Tin bên sông" if "/vi/" in path else "News from the river",
        )


async def test_every_feed_of_every_language_is_without_faults(courier: Site) -> None:
    """Of the site, sections, those within them, tags and topics, also empty ones."""
    seen = 0
    for prefix in ("", "/vi"):
        for base in ("/", "/news/", "/council/", "/sport/", "/tu-khoa/river/", "/chu-de/floods/"):
            for form, faults in (("feed", rss_faults), ("atom", atom_faults)):
                body = (await courier.ask(f"{prefix}{base}{form}.xml")).body
                parsed = feedparser.parse(body)
                assert (faults(body), bool(parsed.bozo)) == ([], False), (prefix, base, form)
                assert parsed.feed.language == (prefix[1:] or "en")
                seen += len(parsed.entries)
    assert seen == 2 * (2 + 2 + 1 + 0 + 1 + 1) + 2 * (26 + 26 + 0 + 0 + 1 + 1)


async def test_the_front_page_is_in_its_language(courier: Site) -> None:
    body = (await courier.ask("/vi/")).body
    assert in_html(body, "//head/title/text()") == ["Báo Vĩnh Ngàn"]
    assert in_html(body, "//meta[@name='description']/@content") == ["Tin bên sông"]
    (data,) = in_html(body, "//script[@type='application/ld+json']/text()")
    site, publisher = json.loads(data)["@graph"]
    assert (site["name"], site["description"], site["inLanguage"], publisher["name"]) == (
        "Báo Vĩnh Ngàn",
        "Tin bên sông",
        "vi",
        "Vinh Ngan Council",
    )
    menu = in_html(body, "//nav[@class='sections']//a/@href")
    assert menu == ["/vi/", "/vi/news/", "/doc-nhieu/", "/vi/sport/"]
    feeds = in_html(body, "//link[@rel='alternate' and @type]")
    assert {(each.get("title"), each.get("href")) for each in feeds} == {
        ("Báo Vĩnh Ngàn", "/vi/atom.xml"),
        ("Báo Vĩnh Ngàn", "/vi/feed.xml"),
    }


@pytest.mark.parametrize(
    ("language", "section", "name", "prefix"),
    [("en-GB", "News", "The Vinh Ngan Courier", ""), ("vi", "Thời sự", "Báo Vĩnh Ngàn", "/vi")],
)
def test_an_article_s_head_is_in_its_language(
    language: str, section: str, name: str, prefix: str
) -> None:
    body = "".join(COURIER.article(event_article(section="news", language=language))).encode()
    assert in_html(body, "//meta[@property='og:site_name']/@content") == [name]
    assert in_html(body, "//meta[@property='article:section']/@content") == [section]
    (data,) = in_html(body, "//script[@type='application/ld+json']/text()")
    news, crumbs, _ = json.loads(data)["@graph"]
    assert news["articleSection"] == section
    step = crumbs["itemListElement"][1]
    assert (step["name"], step["item"]) == (section, f"{URL}{prefix}/news/")


@pytest.mark.parametrize(
    ("language", "says"), [("en", "no longer"), ("vi", "không còn"), ("lo", "no longer")]
)
async def test_readers_are_told_in_the_article_s_language_that_it_is_gone(
    courier: Site, language: str, says: str
) -> None:
    """A language that the site does not have any more is told in the first one."""
    gone = in_language(language, "g1", 1)
    await courier.store.put(gone)
    await courier.store.put(withdrawn("g1", 2))
    for path in (gone.path, "/luu/g1.html"):
        answer = await courier.ask(path)
        (lang,) = in_html(answer.body, "/html/@lang")
        assert (answer.status, lang) == (410, language if language != "lo" else "en")
        assert says in answer.body.decode()


async def test_what_is_named_in_place_of_a_gone_article_keeps_its_own_language(
    courier: Site,
) -> None:
    await courier.store.put(in_language("vi", "g1", 1))
    await courier.store.put(replace(withdrawn("g1", 2), replaced_by="e1"))
    body = (await courier.ask("/news/tin-g1.html")).body
    assert in_html(body, "/html/@lang") == ["vi"]
    (link,) = in_html(body, "//p[@class='instead']/a")
    assert (link.get("lang"), link.text) == ("en", "Tin e1")
