"""Atom, RFC 4287. Pure."""

from services.render.machine.feed import ATOM_TYPE, RSS_TYPE, Feed, content_of
from services.render.machine.markup import DECLARATION, xml_element, xml_empty, xml_tag
from services.render.machine.publication import MachineArticle, Publication, utc_text


def atom(feed: Feed) -> bytes:
    """The feed as Atom."""
    site = feed.publication
    opened = xml_tag("feed", {"xmlns": "http://www.w3.org/2005/Atom", "xml:lang": feed.language})
    made = [
        DECLARATION,
        opened,
        "\n",
        xml_element("id", site.id_of(feed.path)),
        xml_element("title", feed.title),
        xml_element("subtitle", site.tagline),
        xml_element("updated", utc_text(feed.updated)),
        _link("self", f"{feed.page}atom.xml", ATOM_TYPE),
        _link("alternate", feed.page, "text/html"),
        _link("alternate", f"{feed.page}feed.xml", RSS_TYPE),
        xml_element("icon", site.absolute(site.logo) if site.logo else ""),
        _author(site.publisher or site.name, site.url + "/"),
        *(_entry(site, each, feed.language) for each in feed.articles),
        "</feed>\n",
    ]
    return "".join(made).encode()


def _entry(site: Publication, article: MachineArticle, language: str) -> str:
    own = article.language if article.language != language else ""
    picture = article.picture
    return "".join(
        [
            xml_tag("entry", {"xml:lang": own}),
            "\n",
            xml_element("id", site.id_of(article.id)),
            xml_element("title", article.title),
            _link("alternate", article.url, "text/html"),
            xml_element("published", utc_text(article.published)),
            xml_element("updated", utc_text(article.updated)),
            _author(article.byline) if article.byline else "",
            *(
                xml_empty("category", {"term": each})
                for each in dict.fromkeys((article.section, article.topic, *article.tags))
                if each
            ),
            xml_element("summary", article.lead),
            xml_element("content", content_of(article), {"type": "html"}),
            _link("enclosure", picture.url, picture.type, picture.size) if picture else "",
            "</entry>\n",
        ]
    )


def _author(name: str, uri: str = "") -> str:
    return f"<author>\n{xml_element('name', name)}{xml_element('uri', uri)}</author>\n"


def _link(rel: str, href: str, kind: str, length: int = 0) -> str:
    return xml_empty("link", {"rel": rel, "type": kind, "href": href, "length": length})
