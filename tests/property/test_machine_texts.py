"""Any article that ingest accepts makes valid XML, JSON and HTML for machines."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import feedparser
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from services.ingest.articles.body.clean import clean
from services.ingest.articles.content import ArticleInput
from services.render.machine.atom import atom
from services.render.machine.feed import Feed
from services.render.machine.rss import rss
from services.render.machine.sitemap import articles_sitemap, news_sitemap
from services.render.rendering.for_machines import described_article
from tests.support.feed_checks import CONTENT, atom_faults, rss_faults
from tests.support.machine_articles import event_article, in_html, in_xml
from tests.support.sitemap_checks import sitemap_faults
from tests.unit.test_render_answers import RENDERER

SITE, PUBLICATION = RENDERER.site, RENDERER.heads.publication
PIECES = [
    "<", ">", "&", "&amp;", "&#0;", "&#11;", "]]>", "<![CDATA[", "<!--", "-->", "</script>", '"',
    "'", "<b>", "</b>", "\u2028", "\u200d", "\ufffe", "\x7f", "\x85", "\u0338", "\U0001f600", "đ",
    "ệ", "e\u0323\u0302", "\u202e", "\t", "\n", "\r", "\0", "\x0b", "{{", "\\", "%", "<?xml", "a ",
]  # fmt: skip
ADDRESSES = [
    "/a",
    "#n",
    "https://h.vn/x?a=1&amp;b=2",
    "mailto:a@b.vn",
    "//h.vn/",
    "../x",
    "?q",
    "x",
]
TEXT = st.one_of(st.text(max_size=60), st.lists(st.sampled_from(PIECES), max_size=8).map("".join))
LINKS = st.sampled_from(ADDRESSES).map(
    lambda to: f'<p id="n"><a href="{to}">x</a><img src="{to}" alt="y"><q cite="{to}">z</q></p>'
)
PICTURES = st.sampled_from(
    ["/media/a.jpg", "/ảnh/đ-[1]|^`{}.jpg", "https://ảnh.vn:8443/ộ?x=é&y=%20#z", "http://[::1]/ả"]
)
TIMES = st.integers(-2_208_000_000, 29_370_000_000).map(lambda at: datetime.fromtimestamp(at, UTC))


def accepted(fields: dict[str, Any]) -> dict[str, Any] | None:
    """The fields as ingest stores them; None if it refuses them."""
    try:
        given = ArticleInput.model_validate_json(json.dumps(fields))
        body = clean(given.body_html, "https://tin.vn/thoi-su/bai-a1.html").html
    except (ValidationError, ValueError):
        return None
    names = ("title", "lead", "byline", "tags", "section", "language")
    return {**{name: getattr(given, name) for name in names}, "body_html": body}


def squeezed(text: str | None) -> str:
    return re.sub(r"\s", "", text or "")


@settings(max_examples=300)
@given(
    title=TEXT, lead=TEXT, byline=TEXT, tags=st.lists(TEXT, max_size=3), body=TEXT, links=LINKS,
    alt=TEXT, picture=PICTURES, published=TIMES,
)  # fmt: skip
def test_every_accepted_article_is_valid_wherever_machines_read_it(
    title: str, lead: str, byline: str, tags: list[str], body: str, links: str, alt: str,
    picture: str, published: datetime,
) -> None:  # fmt: skip
    fields = {"title": title, "lead": lead, "byline": byline, "tags": tags, "section": "thoi-su"}
    stored = accepted({**fields, "body_html": f"{links}<p>{body}</p>"})
    if stored is None:
        return
    image = {"url": picture, "alt": alt}
    article = event_article(**stored, image=image, published_at=published)
    described = described_article(SITE, PUBLICATION, article)
    feed = Feed(
        publication=PUBLICATION, title=article.title, language="vi", path="/", articles=[described]
    )
    for make, faults in ((rss, rss_faults), (atom, atom_faults)):
        made = make(feed)
        assert faults(made) == []
        parsed = feedparser.parse(made)
        assert not parsed.bozo
        assert len(parsed.entries) == 1
    (item,) = in_xml(rss(feed), "item")
    assert squeezed(item.findtext("title")) == squeezed(article.title)
    assert item.findtext(f"{CONTENT}encoded")
    (entry,) = in_xml(atom(feed), "{*}entry")
    assert entry.findtext("{*}summary", "") == article.lead
    for sitemap in (
        articles_sitemap(PUBLICATION, [described]),
        news_sitemap(PUBLICATION, [described]),
    ):
        assert sitemap_faults(sitemap, SITE.url) == []
    head = "".join(RENDERER.article(article)).encode()
    (data,) = in_html(head, "//script[@type='application/ld+json']/text()")
    news = json.loads(data)["@graph"][0]
    assert (news["headline"], news.get("description", "")) == (article.title, article.lead)
    assert news.get("keywords", []) == article.tags
    assert in_html(head, "//meta[@property='og:title']/@content") == [article.title]
