"""What is wrong with a feed, by the RSS Advisory Board's specification and best practices, RFC 4287
and its extensions; each check states its rule. Written after the rules, not after our code.
"""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from lxml import etree
from lxml import html as lxml_html

ATOM = "{http://www.w3.org/2005/Atom}"
CONTENT = "{http://purl.org/rss/1.0/modules/content/}"
MEDIA = "{http://search.yahoo.com/mrss/}"
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
ADDRESSES = ("href", "src", "cite", "poster")

_RFC822 = re.compile(
    r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d "
    r"(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d\d:\d\d:\d\d (GMT|[+-]\d{4})"
)
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!#$&-;=?-Z_a-z~%\[\]]+")
"""Characters that a URI may have (RFC 3986)."""
_IRI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`\x00-\x20]+")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+")

Faults = Iterator[str]


def rss_faults(body: bytes) -> list[str]:
    """What is wrong with an RSS 2.0 feed."""
    return list(_rss(etree.fromstring(body)))


def atom_faults(body: bytes) -> list[str]:
    """What is wrong with an Atom feed."""
    return list(_atom(etree.fromstring(body)))


def _rss(root: Any) -> Faults:
    if root.tag != "rss" or root.get("version") != "2.0":
        yield "the root must be rss, version 2.0"
    channels = root.findall("channel")
    if len(channels) != 1 or len(root) != 1:
        yield "rss must have one channel and nothing else"
    (channel,) = channels
    yield from _once(channel, "title", "link", "description")
    yield from _at_most_once(channel, "language", "lastBuildDate", "pubDate", "ttl", "image")
    yield from _absolute(channel.findtext("link"), "channel link")
    for date in channel.findall("lastBuildDate"):
        yield from _rfc822(date.text)
    language = channel.findtext("language")
    if language is None or not _LANGUAGE.fullmatch(language):
        yield f"language {language!r} is no language code"
    selves = [each for each in channel.findall(f"{ATOM}link") if each.get("rel") == "self"]
    if len(selves) != 1 or selves[0].get("type") != "application/rss+xml":
        yield "a feed must have one atom:link to itself, of its type"
    for each in channel.findall(f"{ATOM}link"):
        yield from _absolute(each.get("href"), "atom:link")
    guids = Counter(each.text for each in channel.iter("guid"))
    yield from (f"guid {name} is there {n} times" for name, n in guids.items() if n > 1)
    for item in channel.findall("item"):
        yield from _item(item)


def _item(item: Any) -> Faults:
    yield from _once(item, "title", "link", "guid", "pubDate")
    yield from _at_most_once(item, "description", f"{CONTENT}encoded", "enclosure", "source")
    yield from _absolute(item.findtext("link"), "item link")
    guid = item.find("guid")
    if guid is not None and guid.get("isPermaLink", "true") == "true":
        yield from _absolute(guid.text, "guid")
    yield from _rfc822(item.findtext("pubDate"))
    for each in item.findall("enclosure"):
        yield from _absolute(each.get("url"), "enclosure")
        if not (each.get("length") or "").isdigit() or not each.get("type"):
            yield "an enclosure must have its length and type"
        elif not _MEDIA_TYPE.fullmatch(each.get("type") or ""):
            yield f"{each.get('type')!r} is no media type"
    for each in item.findall(f"{MEDIA}content"):
        yield from _absolute(each.get("url"), "media:content")
        for name in ("width", "height", "fileSize"):
            if not (each.get(name) or "1").isdigit():
                yield f"{name} must be a number"
    for name in ("description", f"{CONTENT}encoded"):
        yield from _content(item.findtext(name))
    yield from (f"an empty {each.tag}" for each in item if not (each.text or each.attrib))


def _atom(root: Any) -> Faults:
    if root.tag != f"{ATOM}feed":
        yield "the root must be feed"
    yield from _once(root, f"{ATOM}id", f"{ATOM}title", f"{ATOM}updated")
    yield from _at_most_once(root, *(ATOM + each for each in ("icon", "logo", "subtitle")))
    yield from _atom_ids(root)
    links = root.findall(f"{ATOM}link")
    if [each.get("rel") for each in links].count("self") != 1:
        yield "a feed should have one link to itself"
    has_author = root.find(f"{ATOM}author") is not None
    for each in root.iter(f"{ATOM}author"):
        yield from _once(each, f"{ATOM}name")
    for each in root.iter(f"{ATOM}link"):
        yield from _absolute(each.get("href"), "link")
        if (kind := each.get("type")) is not None and not _MEDIA_TYPE.fullmatch(kind):
            yield f"{kind!r} is no media type"
        if not (each.get("length") or "1").isdigit():
            yield "length must be a number"
    for each in root.iter(f"{ATOM}icon", f"{ATOM}logo", f"{ATOM}uri"):
        yield from _absolute(each.text, each.tag)
    for each in root.iter(f"{ATOM}updated", f"{ATOM}published"):
        yield from _rfc3339(each.text)
    for each in root.iter():
        if (language := each.get(XML_LANG)) is not None and not _LANGUAGE.fullmatch(language):
            yield f"xml:lang {language!r} is no language code"
    for entry in root.findall(f"{ATOM}entry"):
        yield from _entry(entry, has_author=has_author)


def _atom_ids(root: Any) -> Faults:
    ids = Counter(each.text for each in root.iter(f"{ATOM}id"))
    for name, number in ids.items():
        if number > 1:
            yield f"id {name} is there {number} times"
        if not name or not _IRI.fullmatch(name):
            yield f"id {name!r} is no IRI"


def _entry(entry: Any, *, has_author: bool) -> Faults:
    yield from _once(entry, f"{ATOM}id", f"{ATOM}title", f"{ATOM}updated")
    yield from _at_most_once(entry, *(ATOM + each for each in ("published", "summary", "content")))
    if not has_author and entry.find(f"{ATOM}author") is None:
        yield "an entry must have an author if the feed has none"
    alternates = [
        e for e in entry.findall(f"{ATOM}link") if e.get("rel", "alternate") == "alternate"
    ]
    if entry.find(f"{ATOM}content") is None and not alternates:
        yield "an entry without content must have an alternate link"
    forms = Counter((each.get("type"), each.get("hreflang")) for each in alternates)
    if forms and max(forms.values()) > 1:
        yield "two alternate links of one type and language"
    for each in entry.findall(f"{ATOM}category"):
        if not each.get("term"):
            yield "a category must have a term"
    for name in ("title", "summary", "content"):
        for each in entry.findall(ATOM + name):
            kind = each.get("type", "text")
            if kind not in ("text", "html", "xhtml"):
                yield f"{name} has the type {kind}"
            if len(each):
                yield f"{name} of type {kind} may have no elements"
            if kind == "html":
                yield from _content(each.text)


def _content(markup: str | None) -> Faults:
    """Embedded HTML must have absolute addresses alone, and nothing that runs."""
    if not markup or not markup.strip():
        return
    for element in lxml_html.fragment_fromstring(f"<div>{markup}</div>").iter():
        if element.tag in ("script", "style", "iframe", "object", "embed", "form"):
            yield f"content has a {element.tag}"
        for name, value in element.attrib.items():
            if str(name).startswith("on") or name == "style":
                yield f"content has the attribute {name}"
            if name in ADDRESSES and not urlsplit(str(value)).scheme:
                yield f"content has the relative address {value}"


def _once(parent: Any, *names: str) -> Faults:
    for name in names:
        found = parent.findall(name)
        if len(found) != 1:
            yield f"{parent.tag} must have one {name}, not {len(found)}"
        elif not (found[0].text or "").strip():
            yield f"{name} of {parent.tag} may not be empty"


def _at_most_once(parent: Any, *names: str) -> Faults:
    for name in names:
        if len(parent.findall(name)) > 1:
            yield f"{parent.tag} may have one {name}"


def _absolute(value: str | None, what: str) -> Faults:
    if not value or not _URI.fullmatch(value) or not urlsplit(value).netloc:
        yield f"{what} {value!r} is no absolute address"


def _rfc822(value: str | None) -> Faults:
    if not value or not _RFC822.fullmatch(value):
        yield f"{value!r} is no date of RFC 822"
    elif f"{parsedate_to_datetime(value):%a}" != value[:3]:
        yield f"{value!r} has the wrong day of the week"


def _rfc3339(value: str | None) -> Faults:
    if not value or not _RFC3339.fullmatch(value):
        yield f"{value!r} is no date of RFC 3339"
    else:
        datetime.fromisoformat(value)
