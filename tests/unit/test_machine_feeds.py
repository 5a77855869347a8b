"""RSS and Atom, from articles to bytes. Expected bytes are written by hand."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import feedparser
import pytest
from lxml import etree

from services.ingest.articles.body.characters import FORBIDDEN
from services.render.machine.addresses import with_absolute_addresses
from services.render.machine.atom import atom
from services.render.machine.feed import Feed
from services.render.machine.markup import xml_element, xml_text
from services.render.machine.publication import MachineArticle, Publication
from services.render.machine.rss import rss
from tests.support.feed_checks import atom_faults, rss_faults
from tests.support.machine_articles import AT, PICTURE, SITE, machine_article

FULL = machine_article(
    title="Mưa < nắng & gió",
    lead="Lũ <b>lên</b>",
    section="Thời sự",
    byline="Nguyễn Văn A",
    topic="Bão số 5",
    tags=("mưa", "Thời sự"),
    corrected=AT + timedelta(hours=1),
    picture=PICTURE,
    content='<p><a href="/x">x</a> <a href="#n">n</a></p>',
)


def feed(*articles: MachineArticle, site: Publication = SITE) -> Feed:
    return Feed(
        publication=site, title="Thời sự – Tin", language="vi", path="/thoi-su/", articles=articles
    )


def test_an_item_of_rss() -> None:
    item = rss(feed(FULL)).decode().partition("<item>")[2].partition("</item>")[0]
    content = (
        '&lt;figure&gt;&lt;img src="https://tin.vn/media/a.jpg" alt="Cầu &amp;amp; sông" '
        'width="1200" height="800"&gt;&lt;figcaption&gt;Cầu mới TTXVN&lt;/figcaption&gt;'
        '&lt;/figure&gt;\n&lt;p&gt;&lt;a href="https://tin.vn/x"&gt;x&lt;/a&gt; '
        '&lt;a href="https://tin.vn/thoi-su/bai-a1.html#n"&gt;n&lt;/a&gt;&lt;/p&gt;'
    )
    assert (
        item
        == f"""
<title>Mưa &#x3C; nắng &#x26; gió</title>
<link>https://tin.vn/thoi-su/bai-a1.html</link>
<guid isPermaLink="false">{SITE.id_of("a1")}</guid>
<pubDate>Sat, 28 Nov 2026 07:05:09 GMT</pubDate>
<description>Lũ &amp;lt;b&amp;gt;lên&amp;lt;/b&amp;gt;</description>
<content:encoded>{content}</content:encoded>
<dc:creator>Nguyễn Văn A</dc:creator>
<atom:updated>2026-11-28T08:05:09Z</atom:updated>
<category>Thời sự</category>
<category>Bão số 5</category>
<category>mưa</category>
<enclosure url="https://tin.vn/media/a.jpg" length="12345" type="image/jpeg"/>
<media:content url="https://tin.vn/media/a.jpg" medium="image" type="image/jpeg" \
fileSize="12345" width="1200" height="800"><media:description type="plain">Cầu &amp; sông\
</media:description>
<media:credit>TTXVN</media:credit>
</media:content>
"""
    )


def test_an_entry_of_atom() -> None:
    entry = atom(feed(replace(FULL, language="en", content=""))).decode()
    assert (
        entry.partition("<entry")[2].partition("</entry>")[0]
        == f""" xml:lang="en">
<id>{SITE.id_of("a1")}</id>
<title>Mưa &lt; nắng &amp; gió</title>
<link rel="alternate" type="text/html" href="https://tin.vn/thoi-su/bai-a1.html"/>
<published>2026-11-28T07:05:09Z</published>
<updated>2026-11-28T08:05:09Z</updated>
<author>
<name>Nguyễn Văn A</name>
</author>
<category term="Thời sự"/>
<category term="Bão số 5"/>
<category term="mưa"/>
<summary>Lũ &lt;b&gt;lên&lt;/b&gt;</summary>
<link rel="enclosure" type="image/jpeg" href="https://tin.vn/media/a.jpg" length="12345"/>
"""
    )


@pytest.mark.parametrize(
    "articles",
    [
        (),
        (FULL,),
        (machine_article(),),
        (FULL, machine_article("a2", picture=replace(PICTURE, size=0, type=""), lead="x")),
        (machine_article(published=datetime(1900, 1, 1, tzinfo=UTC)),),
        (machine_article(published=datetime(2900, 12, 31, 23, 59, 59, tzinfo=UTC)),),
    ],
)
def test_feeds_keep_to_the_rules_and_to_feedparser(articles: tuple[MachineArticle, ...]) -> None:
    made = feed(*articles)
    assert rss_faults(rss(made)) == []
    assert atom_faults(atom(made)) == []
    for body, version in ((rss(made), "rss20"), (atom(made), "atom10")):
        parsed = feedparser.parse(body)
        assert (parsed.bozo, parsed.version) == (False, version)
        assert parsed.feed.title == "Thời sự – Tin"
        assert parsed.feed.link == "https://tin.vn/thoi-su/"
        assert parsed.feed.language == "vi" if version == "rss20" else True
        assert [each.id for each in parsed.entries] == [SITE.id_of(each.id) for each in articles]
        for each, article in zip(parsed.entries, articles, strict=True):
            assert each.link == article.url
            assert each.published_parsed[:6] == article.published.timetuple()[:6]


def test_a_feed_without_articles_does_not_change_by_itself() -> None:
    assert b"<updated>1970-01-01T00:00:00Z</updated>" in atom(feed())
    assert b"lastBuildDate" not in rss(feed())


def test_an_id_stays_when_slug_section_scheme_and_port_change() -> None:
    other = replace(SITE, url="http://tin.vn:8080")
    moved = replace(FULL, url="http://tin.vn:8080/van-hoa/ten-moi-a1.html")
    ids = {
        each.findtext("{*}id") or each.findtext("guid")
        for site, article in ((SITE, FULL), (other, moved))
        for make in (rss, atom)
        for each in etree.fromstring(make(feed(article, site=site))).iter("{*}entry", "item")
    }
    assert ids == {SITE.id_of("a1")}
    assert SITE.id_of("a1") not in {SITE.id_of("a2"), replace(SITE, url="https://b.vn").id_of("a1")}
    assert SITE.id_of("a1").startswith("urn:uuid:")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ('<a href="/x?a=1&amp;b=2">', '<a href="https://t.vn/x?a=1&amp;b=2">'),
        ('<a href="#n1">', '<a href="https://t.vn/s/b.html#n1">'),
        ('<a href="?q=1">', '<a href="https://t.vn/s/b.html?q=1">'),
        ('<a href="c.html">', '<a href="https://t.vn/s/c.html">'),
        ('<a href="//h.vn/x">', '<a href="https://h.vn/x">'),
        ('<a href="mailto:a@b.vn">', '<a href="mailto:a@b.vn">'),
        ('<a href="HTTP://H.vn/">', '<a href="HTTP://H.vn/">'),
        ('<img src="/a.png" alt="a > b src=&quot;/c&quot;">',
         '<img src="https://t.vn/a.png" alt="a > b src=&quot;/c&quot;">'),
        ('<video src="/v" poster="/p">', '<video src="https://t.vn/v" poster="https://t.vn/p">'),
        ('<q cite="/c">', '<q cite="https://t.vn/c">'),
        ('<p title=" href=&quot;/x&quot;"> href="/x"</p>',
         '<p title=" href=&quot;/x&quot;"> href="/x"</p>'),
        ('<a href="//[x">', '<a href="https://t.vn/s/b.html">'),
    ],
)  # fmt: skip
def test_addresses_become_absolute(given: str, expected: str) -> None:
    assert with_absolute_addresses(given, "https://t.vn/s/b.html") == expected


def test_every_character_that_ingest_accepts_is_written_in_xml_and_read_again() -> None:
    """Every character but surrogates, which no text of Unicode has."""
    planes = [*range(0xD800), *range(0xE000, 0x110000)]
    accepted = "".join(c for c in map(chr, planes) if not FORBIDDEN.search(c))
    assert len(accepted) == len(planes) - 29 - 33 - 2  # controls but \t \n \r, DEL to U+009F, two
    for attributes in ({}, {"term": accepted}):
        element = etree.fromstring(xml_element("a", accepted, attributes))
        assert element.text == accepted
        assert element.get("term", accepted) == accepted


def test_characters_that_xml_cannot_write_are_left_out() -> None:
    """Of an article that was stored before ingest refused them."""
    assert xml_text("a\0\x0b\x1f\ufffe\uffffb\x7f\x85\ud800") == "ab\x7f\x85"
