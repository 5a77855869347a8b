"""Sitemaps, structured data, OpenGraph and the small files. Expected text is written by hand."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.render.machine.open_graph import locale_of, open_graph
from services.render.machine.sitemap import (
    PART,
    SitemapList,
    SitemapPart,
    articles_sitemap,
    lists_sitemap,
    news_sitemap,
    sitemap_index,
)
from services.render.machine.small_files import gpc_json, robots_txt, security_txt, web_manifest
from services.render.machine.structured import article_things, script_json, website
from tests.support.machine_articles import AT, PICTURE, SITE, machine_article
from tests.support.sitemap_checks import sitemap_faults

ALTERNATES = {"vi": "/thoi-su/bai-a1.html", "en": "/thoi-su/news-a2.html"}


def test_a_part_of_the_sitemap() -> None:
    article = machine_article(
        modified=AT + timedelta(days=1), picture=PICTURE, alternates=ALTERNATES
    )
    body = articles_sitemap(SITE, [article])
    assert sitemap_faults(body, SITE.url) == []
    assert (
        body.decode().partition("<url>")[2]
        == """
<loc>https://tin.vn/thoi-su/bai-a1.html</loc>
<lastmod>2026-11-29T07:05:09Z</lastmod>
<xhtml:link rel="alternate" hreflang="en" href="https://tin.vn/thoi-su/news-a2.html"/>
<xhtml:link rel="alternate" hreflang="vi" href="https://tin.vn/thoi-su/bai-a1.html"/>
<image:image>
<image:loc>https://tin.vn/media/a.jpg</image:loc>
</image:image>
</url>
</urlset>
"""
    )


def test_a_part_stays_below_50_mb_with_the_longest_addresses() -> None:
    longest = "https://tin.vn/" + "&" * 1985  # 2,000 characters is the bound of ingest
    alternates = {f"en-x-{n:08}": f"/{'s' * 100}/{'b' * 100}-{n:032}.html" for n in range(21)}
    article = machine_article(
        url=f"https://tin.vn{alternates['en-x-00000000']}",
        picture=replace(PICTURE, url=longest),
        alternates=alternates,
    )
    assert len(articles_sitemap(SITE, [article])) * PART < 50 << 20


def test_the_index_and_lists_of_the_sitemap() -> None:
    index = sitemap_index(SITE, [SitemapPart("/sitemap-lists.xml"), SitemapPart("/b.xml", AT)])
    assert sitemap_faults(index, SITE.url) == []
    assert b"<loc>https://tin.vn/b.xml</loc>\n<lastmod>2026-11-28T07:05:09Z</lastmod>" in index
    both = {"vi": "/", "en": "/en/", "x-default": "/"}
    lists = lists_sitemap(SITE, [SitemapList("/", both), SitemapList("/en/", both)])
    assert sitemap_faults(lists, SITE.url) == []
    assert lists.count(b"<loc>") == 2
    link = b'<xhtml:link rel="alternate" hreflang="x-default" href="https://tin.vn/"/>'
    assert lists.count(link) == 2


def test_an_entry_of_the_news_sitemap() -> None:
    body = news_sitemap(SITE, [machine_article(title="A < B & C", language="vi-VN")])
    assert sitemap_faults(body, SITE.url) == []
    assert (
        body.decode().partition("<news:news>")[2].partition("</news:news>")[0]
        == """
<news:publication>
<news:name>Tin Vùng Cao</news:name>
<news:language>vi</news:language>
</news:publication>
<news:publication_date>2026-11-28T07:05:09Z</news:publication_date>
<news:title>A &lt; B &amp; C</news:title>
"""
    )


def test_robots_txt() -> None:
    assert (
        robots_txt(SITE, ["/tim-kiem/", "/en/luu/"]).decode()
        == """\
User-agent: *
Disallow: /tim-kiem/
Disallow: /en/luu/

Sitemap: https://tin.vn/sitemap.xml
Sitemap: https://tin.vn/news-sitemap.xml
"""
    )


def test_security_txt_expires_within_a_year_and_changes_once_a_day() -> None:
    noon = datetime(2026, 11, 28, 12, tzinfo=UTC)
    body = security_txt(SITE, noon)
    assert body is not None
    assert (
        body.decode()
        == """\
Contact: mailto:toasoan@tin.vn
Expires: 2027-05-27T00:00:00Z
Preferred-Languages: vi, en
Canonical: https://tin.vn/.well-known/security.txt
"""
    )
    assert security_txt(SITE, noon + timedelta(hours=11)) == body
    assert security_txt(SITE, noon + timedelta(hours=12)) != body
    assert security_txt(replace(SITE, email=""), noon) is None


def test_the_web_manifest_and_gpc() -> None:
    made = json.loads(web_manifest(SITE, [("/i.png", "192x192", "image/png")], "#123", "#fff"))
    assert (made["name"], made["lang"], made["start_url"]) == ("Tin Vùng Cao", "vi", "/")
    icon = {"src": "/i.png", "sizes": "192x192", "type": "image/png", "purpose": "any"}
    assert made["icons"] == [icon]
    assert json.loads(gpc_json()) == {"gpc": True, "lastUpdate": "2026-11-28"}


def test_structured_data_of_an_article() -> None:
    article = machine_article(
        lead="Dẫn", section="Thời sự", section_url="https://tin.vn/thoi-su/", tags=("mưa",),
        byline="Nguyễn Văn A", picture=PICTURE, modified=AT + timedelta(days=1),
    )  # fmt: skip
    news, crumbs, publisher = article_things(SITE, article, "Trang chủ")
    assert news == {
        "@type": "NewsArticle",
        "@id": "https://tin.vn/thoi-su/bai-a1.html#article",
        "mainEntityOfPage": "https://tin.vn/thoi-su/bai-a1.html",
        "url": "https://tin.vn/thoi-su/bai-a1.html",
        "headline": "Bài",
        "datePublished": "2026-11-28T07:05:09Z",
        "dateModified": "2026-11-29T07:05:09Z",
        "inLanguage": "vi",
        "author": {"@type": "Person", "name": "Nguyễn Văn A"},
        "publisher": {"@id": "https://tin.vn/#publisher"},
        "isAccessibleForFree": True,
        "description": "Dẫn",
        "articleSection": "Thời sự",
        "keywords": ["mưa"],
        "image": {
            "@type": "ImageObject",
            "url": "https://tin.vn/media/a.jpg",
            "width": {"@type": "QuantitativeValue", "value": 1200, "unitCode": "E37"},
            "height": {"@type": "QuantitativeValue", "value": 800, "unitCode": "E37"},
            "caption": "Cầu mới",
            "creditText": "TTXVN",
        },
    }
    assert [each["name"] for each in crumbs["itemListElement"]] == ["Trang chủ", "Thời sự", "Bài"]
    assert publisher["name"] == "Sở Thông tin"
    assert article_things(SITE, machine_article(), "")[0]["author"] == news["publisher"]
    target = website(SITE, "en", "/en")["potentialAction"]["target"]["urlTemplate"]
    assert target == "https://tin.vn/en/tim-kiem/?q={search_term_string}"


@pytest.mark.parametrize("text", ["</script><script>x", "<!-- <script>", "a & b", "\u2028", "]]>"])
def test_no_text_ends_the_script(text: str) -> None:
    made = script_json([{"name": text}])
    assert not {"<", ">", "&", "\u2028"} & {*made}
    assert json.loads(made)["@graph"] == [{"name": text}]


def test_open_graph_has_the_sizes_that_are_known() -> None:
    article = machine_article(lead="Dẫn", picture=PICTURE, section="Thời sự", tags=("a", "b"))
    assert open_graph(SITE, article) == [
        ("og:type", "article"),
        ("og:site_name", "Tin Vùng Cao"),
        ("og:title", "Bài"),
        ("og:description", "Dẫn"),
        ("og:url", "https://tin.vn/thoi-su/bai-a1.html"),
        ("og:locale", "vi_VN"),
        ("og:image", "https://tin.vn/media/a.jpg"),
        ("og:image:type", "image/jpeg"),
        ("og:image:width", "1200"),
        ("og:image:height", "800"),
        ("og:image:alt", "Cầu & sông"),
        ("article:published_time", "2026-11-28T07:05:09+00:00"),
        ("article:section", "Thời sự"),
        ("article:tag", "a"),
        ("article:tag", "b"),
    ]
    unknown = replace(article, picture=replace(PICTURE, width=0, height=0, type=""))
    names = {name for name, _ in open_graph(SITE, unknown)}
    assert not {"og:image:type", "og:image:width", "og:image:height"} & names


@pytest.mark.parametrize(
    ("language", "expected"),
    [("vi", "vi_VN"), ("en-gb", "en_GB"), ("zh-Hant-TW", "zh_TW"), ("hmn", "")],
)
def test_a_locale_has_a_territory(language: str, expected: str) -> None:
    assert locale_of(language) == expected
