"""Sitemaps: their index, their parts, and the news sitemap. Pure.

The protocol allows 50,000 addresses and 50 MB a file. A part has `PART` at most: even with the
longest addresses that editors can send it stays below 50 MB.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.render.machine.markup import DECLARATION, xml_element, xml_empty, xml_tag
from services.render.machine.publication import MachineArticle, Publication, utc_text

PART = 2000
NEWS_AGE, MOST_NEWS = timedelta(hours=48), 1000
"""Bounds of a news sitemap."""

_SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
_NEWS = {"xmlns:news": "http://www.google.com/schemas/sitemap-news/0.9"}
_MORE = {
    "xmlns:image": "http://www.google.com/schemas/sitemap-image/1.1",
    "xmlns:xhtml": "http://www.w3.org/1999/xhtml",
}


@dataclass(frozen=True, slots=True)
class SitemapPart:
    """A part of the sitemap, as the index names it."""

    path: str
    modified: datetime | None = None


@dataclass(frozen=True, slots=True)
class SitemapList:
    """A list of the site: its path, and its paths by language if it has several."""

    path: str
    alternates: Mapping[str, str]


def sitemap_index(publication: Publication, parts: Iterable[SitemapPart]) -> bytes:
    """The index of all parts."""
    made = [DECLARATION, xml_tag("sitemapindex", {"xmlns": _SITEMAP}), "\n"]
    for each in parts:
        changed = utc_text(each.modified) if each.modified else ""
        loc = xml_element("loc", publication.absolute(each.path))
        made.append(f"<sitemap>\n{loc}{xml_element('lastmod', changed)}</sitemap>\n")
    return "".join([*made, "</sitemapindex>\n"]).encode()


def lists_sitemap(publication: Publication, lists: Iterable[SitemapList]) -> bytes:
    """The addresses of the site's lists, and their translations."""
    made = [DECLARATION, xml_tag("urlset", {"xmlns": _SITEMAP, **_MORE}), "\n"]
    for each in lists:
        loc = xml_element("loc", publication.absolute(each.path))
        made += ["<url>\n", loc, *_links(publication, each.alternates), "</url>\n"]
    return "".join([*made, "</urlset>\n"]).encode()


def articles_sitemap(publication: Publication, articles: Iterable[MachineArticle]) -> bytes:
    """A part with articles, their pictures and their translations."""
    made = [DECLARATION, xml_tag("urlset", {"xmlns": _SITEMAP, **_MORE}), "\n"]
    made += [sitemap_entry(publication, each) for each in articles]
    return "".join([*made, "</urlset>\n"]).encode()


def sitemap_entry(publication: Publication, article: MachineArticle) -> str:
    """An article of a part."""
    # The schema wants loc and lastmod first, and others' elements after them.
    made = [
        "<url>\n",
        xml_element("loc", article.url),
        xml_element("lastmod", utc_text(article.modified or article.published)),
    ]
    made += _links(publication, article.alternates)
    if article.picture:
        loc = xml_element("image:loc", article.picture.url)
        made.append(f"<image:image>\n{loc}</image:image>\n")
    return "".join([*made, "</url>\n"])


def _links(publication: Publication, alternates: Mapping[str, str]) -> Iterator[str]:
    for language, path in sorted(alternates.items()):
        href = publication.absolute(path)
        yield xml_empty("xhtml:link", {"rel": "alternate", "hreflang": language, "href": href})


def news_sitemap(publication: Publication, articles: Iterable[MachineArticle]) -> bytes:
    """The newest articles; the caller keeps to `NEWS_AGE` and `MOST_NEWS`."""
    made = [DECLARATION, xml_tag("urlset", {"xmlns": _SITEMAP, **_NEWS}), "\n"]
    for each in articles:
        language = each.language.partition("-")[0]
        made += [
            "<url>\n",
            xml_element("loc", each.url),
            "<news:news>\n<news:publication>\n",
            xml_element("news:name", publication.name),
            xml_element("news:language", language),
            "</news:publication>\n",
            xml_element("news:publication_date", utc_text(each.published)),
            xml_element("news:title", each.title),
            "</news:news>\n</url>\n",
        ]
    return "".join([*made, "</urlset>\n"]).encode()
