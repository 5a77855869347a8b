"""RSS 2.0, by the RSS Advisory Board's best practices. Pure."""

from datetime import UTC, datetime
from email.utils import format_datetime
from html import escape

from services.render.machine.feed import ATOM_TYPE, RSS_TYPE, Feed, content_of
from services.render.machine.markup import (
    DECLARATION,
    xml_element,
    xml_empty,
    xml_tag,
    xml_text,
)
from services.render.machine.publication import MachineArticle, Publication, utc_text

_NAMESPACES = {
    "xmlns:atom": "http://www.w3.org/2005/Atom",
    "xmlns:content": "http://purl.org/rss/1.0/modules/content/",
    "xmlns:dc": "http://purl.org/dc/elements/1.1/",
    "xmlns:media": "http://search.yahoo.com/mrss/",
}


def rss(feed: Feed) -> bytes:
    """The feed as RSS."""
    made = [
        DECLARATION,
        xml_tag("rss", {"version": "2.0", **_NAMESPACES}),
        "\n<channel>\n",
        _title(feed.title),
        xml_element("link", feed.page),
        xml_element("description", feed.description),
        xml_element("language", feed.language),
        xml_empty("atom:link", {"rel": "self", "type": RSS_TYPE, "href": f"{feed.page}feed.xml"}),
        xml_empty(
            "atom:link", {"rel": "alternate", "type": ATOM_TYPE, "href": f"{feed.page}atom.xml"}
        ),
    ]
    if feed.articles:
        made.append(xml_element("lastBuildDate", _date(feed.updated)))
    made += [_item(feed.publication, each) for each in feed.articles]
    return "".join([*made, "</channel>\n</rss>\n"]).encode()


def _item(publication: Publication, article: MachineArticle) -> str:
    return "".join(
        [
            "<item>\n",
            _title(article.title),
            xml_element("link", article.url),
            xml_tag("guid", {"isPermaLink": "false"}),
            xml_text(publication.id_of(article.id)),
            "</guid>\n",
            xml_element("pubDate", _date(article.published)),
            # The lead is plain text, but readers take a description for HTML.
            xml_element("description", escape(article.lead, quote=False)),
            xml_element("content:encoded", content_of(article)),
            xml_element("dc:creator", article.byline),
            xml_element("atom:updated", utc_text(article.updated)),
            *(xml_element("category", each) for each in _categories(article)),
            *_picture(article),
            "</item>\n",
        ]
    )


def _picture(article: MachineArticle) -> list[str]:
    if (picture := article.picture) is None:
        return []
    made = []
    if picture.type and picture.size:  # an enclosure must have both
        facts = {"url": picture.url, "length": picture.size, "type": picture.type}
        made.append(xml_empty("enclosure", facts))
    facts = {
        "url": picture.url,
        "medium": "image",
        "type": picture.type,
        "fileSize": picture.size,
        "width": picture.width,
        "height": picture.height,
    }
    texts = (
        xml_element("media:description", picture.alt or picture.caption, {"type": "plain"}),
        xml_element("media:credit", picture.credit),
    )
    return [*made, xml_tag("media:content", facts), *texts, "</media:content>\n"]


def _categories(article: MachineArticle) -> list[str]:
    return list(dict.fromkeys(filter(None, (article.section, article.topic, *article.tags))))


def _title(text: str) -> str:
    """A title. Readers differ in whether they take it for text or HTML; numeric references in place
    of `&amp;` and `&lt;` are read the same by most.
    """
    written = xml_element("title", text)
    return written.replace("&amp;", "&#x26;").replace("&lt;", "&#x3C;")


def _date(value: datetime) -> str:
    """A time as in RFC 822 with a year of four digits."""
    return format_datetime(value.astimezone(UTC).replace(microsecond=0), usegmt=True)
