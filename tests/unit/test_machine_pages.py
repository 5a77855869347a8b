"""Feeds, sitemaps and files for machines, by ASGI without a socket and over stores in memory."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import feedparser
import pytest

from luotdoc_events import events
from services.render.kinds import feeds, section, sitemaps
from services.render.kinds.feeds import ENTRIES, MOST_TEXT
from services.render.kinds.machine_files import icons_of
from services.render.page import Page
from services.render.rendering.renderer import Renderer
from services.render.serving.answers import Answer as Served
from services.render.serving.routes import Asked, Routes, route
from services.render.site.images import SitePicture
from tests.support.feed_checks import atom_faults, rss_faults
from tests.support.machine_articles import event_article, in_html, in_xml
from tests.support.page_store import page, withdrawn
from tests.support.sitemap_checks import addresses_of, sitemap_faults
from tests.unit.test_render_answers import NOW, RENDERER, SETTINGS, Answer, Site

URL = RENDERER.site.url
WIDTH = "//meta[@property='og:image:width']/@content"
DATA = "//script[@type='application/ld+json']/text()"


def stored(name: str, hours: int = 0, section: str = "thoi-su", **fields: Any) -> Page:
    """A page with the article that it was made from."""
    moment = NOW + timedelta(hours=hours)
    article = event_article(
        name, title=f"Tin {name}", section=section, slug="tin", published_at=moment, **fields
    )
    return replace(
        page(name, section=section),
        published_at=moment,
        summary=article.model_dump(mode="json", include={"title", "lead", "image", "language"})
        | {"tags": article.tags, "topic": article.topic},
        article=article.model_dump(),
    )


@pytest.fixture
async def fed() -> Site:
    """Articles of two sections, two tags and a topic."""
    one = Site()
    await one.store.put(replace(stored("a", 1, tags=["Mưa lũ"]), tags=["mưa-lũ"]))
    await one.store.put(replace(stored("b", 2, tags=["mưa lũ", "X"]), tags=["mưa-lũ", "x"]))
    await one.store.put(
        replace(stored("c", 3, section="van-hoa", topic="Bão số 5"), topic="bão-số-5")
    )
    await one.store.put(withdrawn("d", 1))
    return one


def ids_of(answer: Answer) -> list[str]:
    """The articles of a feed."""
    links = [each.link for each in feedparser.parse(answer.body).entries]
    return [link.removesuffix(".html").rpartition("-")[2] for link in links]


@pytest.mark.parametrize("form", ["feed", "atom"])
@pytest.mark.parametrize(
    ("base", "ids", "title"),
    [
        ("/", "cba", "Lượt Đọc"),
        ("/thoi-su/", "ba", "Thời sự – Lượt Đọc"),
        ("/van-hoa/", "c", "Văn hóa – Lượt Đọc"),
        ("/tu-khoa/mưa-lũ/", "ba", "mưa lũ – Lượt Đọc"),
        ("/tu-khoa/x/", "b", "X – Lượt Đọc"),
        ("/chu-de/bão-số-5/", "c", "Bão số 5 – Lượt Đọc"),
    ],
)
async def test_a_feed_follows_its_list(
    fed: Site, base: str, ids: str, title: str, form: str
) -> None:
    title = title.replace("Lượt Đọc", RENDERER.site.name)
    answer = await fed.ask(f"{base}{form}.xml")
    assert (answer.status, "".join(ids_of(answer))) == (200, ids)
    kind, faults = ("rss", rss_faults) if form == "feed" else ("atom", atom_faults)
    assert answer.headers[b"content-type"] == f"application/{kind}+xml; charset=utf-8".encode()
    assert faults(answer.body) == []
    parsed = feedparser.parse(answer.body)
    assert (parsed.bozo, parsed.feed.title) == (False, title)
    assert parsed.feed.link == URL + quote(base)
    (own,) = [each.href for each in parsed.feed.links if each.rel == "self"]
    assert own == f"{URL}{quote(base)}{form}.xml"
    again = await fed.ask(f"{base}{form}.xml", if_none_match=answer.headers[b"etag"].decode())
    assert (again.status, again.body) == (304, b"")
    assert (fed.answered("feed", "", 200), fed.answered("feed", "", 304)) == (1, 1)


async def test_a_list_names_its_feeds_and_they_are_there(fed: Site) -> None:
    await fed.totals.load()
    for base in ("/", "/thoi-su/", "/tu-khoa/mưa-lũ/", "/chu-de/bão-số-5/"):
        body = (await fed.ask(base)).body
        named = in_html(body, "//link[@rel='alternate' and contains(@type, 'xml')]/@href")
        assert quote(f"{base}atom.xml") in named
        for each in named:
            assert (await fed.ask(feedpath(each))).status == 200


def feedpath(address: str) -> str:
    """A link's path as the server sees it."""
    return unquote(urlsplit(address).path)


async def test_there_are_feeds_of_lists_alone(fed: Site) -> None:
    for path in ("/khong-co/feed.xml", "/tu-khoa/mua/atom.xml", "/chu-de/x/feed.xml",
                 "/thoi-su/rss.xml", "/tu-khoa/!/feed.xml"):  # fmt: skip
        assert (await fed.ask(path)).status == 404, path
    moved = await fed.ask("/tu-khoa/Mưa lũ/atom.xml", query=b"a=1")
    to = quote("/tu-khoa/mưa-lũ/atom.xml") + "?a=1"
    assert (moved.status, moved.headers[b"location"].decode()) == (301, to)
    await fed.store.put(withdrawn("c", 2))
    fed.time += 1.1
    empty = await fed.ask("/van-hoa/atom.xml")  # a section of the site
    assert (empty.status, ids_of(empty), atom_faults(empty.body)) == (200, [], [])


async def test_a_feed_has_the_newest_articles_and_the_texts_of_short_ones() -> None:
    site = Site()
    for number in range(ENTRIES + 1):
        await site.store.put(stored(f"a{number}", number, body_html='<p><a href="/x">x</a></p>'))
    long = "<p>" + "x" * MOST_TEXT + "</p>"
    await site.store.put(stored("z", 99, body_html=long, lead="Dẫn"))
    parsed = feedparser.parse((await site.ask("/atom.xml")).body)
    assert len(parsed.entries) == ENTRIES
    assert parsed.entries[0].summary == "Dẫn"
    assert "content" not in parsed.entries[0]
    assert parsed.entries[1].content[0].value == f'<p><a href="{URL}/x">x</a></p>'


async def test_the_sitemap_has_every_page_once(fed: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sitemaps, "PART", 2)
    for number in range(5):
        await fed.store.put(stored(f"o{number}", number - 24 * 40))
    index = await fed.ask("/sitemap.xml")
    assert index.headers[b"content-type"] == b"application/xml; charset=utf-8"
    assert sitemap_faults(index.body, URL) == []
    parts = [address.removeprefix(URL) for address in addresses_of(index.body)]
    assert [part.partition("-")[2].rpartition("-")[2] for part in parts] == [
        "lists.xml", "202610.xml", "o1.xml", "o3.xml", "202611.xml", "b.xml"
    ]  # fmt: skip
    found = list[str]()
    for part in parts[1:]:
        answer = await fed.ask(part)
        assert sitemap_faults(answer.body, URL) == []
        found += addresses_of(answer.body)
    pages = [each for each in fed.store.pages.values() if each.state == "published"]
    assert sorted(found) == sorted(URL + each.path for each in pages)
    lists = await fed.ask(parts[0])
    assert sitemap_faults(lists.body, URL) == []
    await fed.totals.load()
    for address in addresses_of(lists.body):
        assert (await fed.ask(urlsplit(address).path)).status == 200, address


async def test_old_parts_of_the_sitemap_stay_while_articles_are_added(
    fed: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sitemaps, "PART", 2)

    async def parts() -> dict[str, bytes]:
        fed.time += 60.1
        named = addresses_of((await fed.ask("/sitemap.xml")).body)
        return {each: (await fed.ask(each.removeprefix(URL))).body for each in named}

    before = await parts()
    for number in range(4, 9):
        await fed.store.put(stored(f"n{number}", number))
    after = await parts()
    assert len(before) == 3
    assert len(after) == 5
    *old, last = before
    assert {each: after[each] for each in old} == {each: before[each] for each in old}
    assert last in after


@pytest.mark.parametrize(
    "path",
    ["/sitemap-202512.xml", "/sitemap-202613.xml", "/sitemap-000001.xml", "/sitemap-x.xml",
     "/sitemap-202611-x.xml", "/sitemap-202611-99999999999999-a.xml", "/sitemap-.xml"],
)  # fmt: skip
async def test_a_part_without_articles_is_not_found(fed: Site, path: str) -> None:
    assert (await fed.ask(path)).status == 404


async def test_many_questions_for_sitemaps_leave_places_for_pages(
    fed: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sitemaps, "MOST_WAITING", 0)
    answer = await fed.ask("/sitemap.xml")
    assert (answer.status, answer.headers[b"retry-after"]) == (503, b"5")
    monkeypatch.setattr(sitemaps, "MOST_WAITING", 1)
    for _ in range(3):
        assert (await fed.ask("/sitemap.xml")).status == 200
        fed.time += 60.1


async def test_the_news_sitemap_has_the_articles_of_two_days() -> None:
    site = Site()
    for name, hours in (("a", -1), ("b", -47), ("c", -49)):
        await site.store.put(stored(name, hours))
    body = (await site.ask("/news-sitemap.xml")).body
    assert sitemap_faults(body, URL) == []
    assert [each.rpartition("-")[2] for each in addresses_of(body)] == ["a.html", "b.html"]


async def test_robots_close_what_has_no_end() -> None:
    answer = await Site().ask("/robots.txt")
    assert answer.headers[b"content-type"] == b"text/plain; charset=utf-8"
    lines = answer.body.decode().splitlines()
    assert [line for line in lines if line.startswith("Disallow")] == [
        "Disallow: /tim-kiem/", "Disallow: /goi-y/", "Disallow: /luu/"
    ]  # fmt: skip
    for line in lines:
        if line.startswith("Sitemap: "):
            assert (await Site().ask(line.removeprefix(f"Sitemap: {URL}"))).status in (200, 404)


async def test_every_icon_of_the_manifest_is_there() -> None:
    site = Site()
    answer = await site.ask("/manifest.webmanifest")
    assert answer.headers[b"content-type"] == b"application/manifest+json"
    icons = json.loads(answer.body)["icons"]
    assert [each["sizes"] for each in icons] == ["any", "192x192", "512x512"]
    for each in icons:
        path, _, query = each["src"].partition("?")
        icon = await site.ask(path, query=query.encode())
        assert icon.headers[b"content-type"].decode() == each["type"]
        if each["type"] == "image/png":
            width, height = (int.from_bytes(icon.body[at : at + 4]) for at in (16, 20))
            assert each["sizes"] == f"{width}x{height}"


@pytest.mark.parametrize(
    ("name", "sizes", "kind"),
    [("l.png", "192x192", "image/png"), ("l.svg", "any", "image/svg+xml")],
)
def test_a_site_with_a_logo_has_no_icon_of_ours(name: str, sizes: str, kind: str) -> None:
    ending = name.rpartition(".")[2]
    content = RENDERER.files.contents["icon-192.png" if ending == "png" else "favicon.svg"]
    one = Renderer(SETTINGS)
    one.use(one.site.model_copy(update={"logo": SitePicture(name, content)}))
    logo = f"logo.{ending}"
    assert icons_of(logo, one.files, own=True) == [(one.files.url(logo), sizes, kind)]
    page = "".join(one.article(event_article()))
    assert "icon-192.png" not in page
    assert one.heads.publication.logo == one.files.url(logo)


async def test_well_known_paths() -> None:
    site = Site()
    assert json.loads((await site.ask("/.well-known/gpc.json")).body)["gpc"] is True
    assert (await site.ask("/.well-known/change-password")).status == 404
    assert (await site.ask("/.well-known/security.txt")).status == 404  # no e-mail address
    heads = site.parts.renderer.heads
    publication = heads.publication
    heads.publication = replace(publication, email="a@b.vn")
    try:
        answer = await site.ask("/.well-known/security.txt")
    finally:
        heads.publication = publication
    assert answer.headers[b"content-type"] == b"text/plain; charset=utf-8"
    fields = dict(line.split(": ", 1) for line in answer.body.decode().splitlines())
    assert fields["Contact"] == "mailto:a@b.vn"
    assert NOW < datetime.fromisoformat(fields["Expires"]) < NOW + timedelta(days=365)
    assert fields["Canonical"] == f"{URL}/.well-known/security.txt"
    assert datetime.fromisoformat(fields["Expires"]).tzinfo == UTC


NAME = "0" * 32 + ".jpg"
"""Of a picture that ingest holds."""


def in_page(article: events.Article, query: str, **facts: object) -> list[Any]:
    return in_html(
        "".join(RENDERER.article(article, {NAME: facts} if facts else {})).encode(), query
    )


def test_an_article_s_page_has_the_size_of_its_picture_where_it_is_known() -> None:
    article = event_article(image={"url": f"/media/{NAME}", "alt": "x"})
    facts = {"type": "image/jpeg", "size": 9, "width": 300, "height": 200}
    assert in_page(article, WIDTH, **facts) == ["300"]
    (data,) = in_page(article, DATA, **facts)
    assert json.loads(data)["@graph"][0]["image"]["height"]["value"] == 200
    assert in_page(article, WIDTH) == []


def test_a_picture_of_a_host_that_pages_do_not_show_is_not_named() -> None:
    article = event_article(image={"url": "https://other.vn/a.jpg"})
    assert in_page(article, "//meta[@property='og:image']") == []
    (data,) = in_page(article, DATA)
    assert "image" not in json.loads(data)["@graph"][0]


def test_the_front_page_says_how_to_search_it() -> None:
    things = json.loads(RENDERER.heads.of_front("vi", ""))["@graph"]
    assert [each["@type"] for each in things] == ["WebSite", "NewsMediaOrganization"]


async def test_every_entry_of_a_feed_is_what_its_article_says(fed: Site) -> None:
    entries = in_xml((await fed.ask("/atom.xml")).body, "{*}entry")
    assert len(entries) == 3
    for entry in entries:
        link = entry.find("{*}link[@rel='alternate']").get("href")
        (one,) = [p for p in fed.store.pages.values() if URL + p.path == link]
        assert entry.findtext("{*}title") == one.summary["title"]
        assert entry.findtext("{*}id") == RENDERER.heads.publication.id_of(one.id)


@pytest.mark.parametrize(
    ("path", "language", "asked"),
    [("/feed.xml", "vi", "/feed.xml"), ("/en/feed.xml", "en", "/feed.xml"), ("/en/", "en", "/"),
     ("/en/thoi-su/atom.xml", "en", "/thoi-su/atom.xml"), ("/lo/feed.xml", "vi", "/lo/feed.xml")],
)  # fmt: skip
def test_a_language_s_prefix_is_no_section(path: str, language: str, asked: str) -> None:
    async def kind(_asked: Asked) -> Served:
        raise AssertionError("nothing is asked")

    patterns = ("/", section.PATTERN, feeds.PATTERN)
    routes = Routes([route(each, kind, localised=True) for each in patterns], ("vi", "en"))
    found = routes.find(path, {"query_string": b""})
    assert found is not None
    assert (found[1].language, found[1].path) == (language, asked)
