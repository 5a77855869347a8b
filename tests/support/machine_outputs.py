"""What is wrong with an answer for people or machines: rules that hold for any text of an editor.
Written after the formats' rules, not after our code.
"""

import csv
import io
import json
import re
from collections.abc import Iterator
from typing import Any

from lxml import etree
from lxml import html as lxml_html

from tests.support.feed_checks import atom_faults, rss_faults
from tests.support.sitemap_checks import sitemap_faults

_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufdd0-\ufdef\ufffe\uffff]")
"""Control characters and noncharacters: HTML has none of them but tab and line feed."""
_RUNS = ("javascript", "vbscript", "data")
_ADDRESSES = ("href", "src", "action", "formaction", "cite", "poster", "data")
_OURS = re.compile(r"/static/[a-z.]+\.(js|css)\?v=[0-9a-f]{10}|/stats/[\w./?=-]+")
_ALONE = ("iframe", "object", "embed", "base", "template", "math", "frame")
_FORMULA = re.compile(r"\s*(?:[+@＝＋－＠-]\D|=(?!\"[^\"]*\"$))")
"""A cell that a spreadsheet runs; `="00123"` is a text, and -1 a number."""

Faults = Iterator[str]


def faults_of(kind: str, body: bytes, site: str) -> list[str]:
    """What is wrong with an answer of the media type `kind`, without parameters."""
    try:
        text = body.decode("utf-8-sig", "strict")
    except UnicodeDecodeError as error:
        return [str(error)]
    found = [f"the character {each!r}" for each in _CONTROLS.findall(text.replace("\r\n", "\n"))]
    checks: dict[str, Any] = {
        "text/html": lambda: list(_html(body)),
        "application/rss+xml": lambda: rss_faults(body),
        "application/atom+xml": lambda: atom_faults(body),
        "application/xml": lambda: sitemap_faults(body, site),
        "application/json": lambda: list(_json(text)),
        "application/manifest+json": lambda: list(_json(text)),
        "text/csv": lambda: list(_csv(text)),
    }
    return found + list(checks[kind]())


def _html(body: bytes) -> Faults:
    page: Any = lxml_html.document_fromstring(body, parser=lxml_html.HTMLParser(encoding="utf-8"))
    for name in ("html", "head", "body", "main", "title"):
        number = len(page.xpath(f"//{name}[not(ancestor::*[local-name()='svg'])]"))
        if number != 1:
            yield f"{number} elements {name}"
    if len(page.xpath("//noscript")) > 1:  # ours has the picture that counts a read
        yield "a noscript that is not ours"
    for element in page.iter():
        if not isinstance(element.tag, str):
            yield f"a comment {element.text!r}"
            continue
        if element.tag in _ALONE:
            yield f"an element {element.tag}"
        if element.tag == "script":
            yield from _script(element)
        for name, value in element.attrib.items():
            yield from _attribute(element, str(name).lower(), str(value))


def _script(element: Any) -> Faults:
    if element.get("type") == "application/ld+json":
        if "<" in element.text:
            yield "a < in JSON-LD"
        if json.loads(element.text)["@context"] != "https://schema.org":
            yield "JSON-LD without its context"
    elif not _OURS.fullmatch(element.get("src") or "") or (element.text or "").strip():
        yield f"the script {lxml_html.tostring(element)!r}"


def _attribute(element: Any, name: str, value: str) -> Faults:
    if name.startswith("on") or name in ("srcdoc", "style"):
        yield f"the attribute {name}"
    scheme = re.sub(r"[\x00-\x20]", "", value).partition(":")[0].lower()
    is_picture = element.tag == "img" and value.startswith("data:image/")
    if name in _ADDRESSES and ":" in value and scheme in _RUNS and not is_picture:
        yield f"the address {value!r}"


def _json(text: str) -> Faults:
    def unknown(value: str) -> None:
        raise ValueError(f"{value} is no JSON")

    try:
        json.dumps(json.loads(text, parse_constant=unknown), ensure_ascii=False).encode()
    except ValueError as error:  # of them UnicodeEncodeError, for a lone surrogate
        yield str(error)


def _csv(text: str) -> Faults:
    head, *rows = csv.reader(io.StringIO(text, newline=""))
    for row in rows:
        if len(row) != len(head):
            yield f"{len(row)} cells, not {len(head)}: {row}"
        yield from (f"the formula {each!r}" for each in row if _FORMULA.match(each))


def texts_in(kind: str, body: bytes) -> list[str]:
    """Every text of an answer: of elements, attributes, members and cells."""
    if kind == "text/csv":
        return [each for row in csv.reader(io.StringIO(body.decode("utf-8-sig"))) for each in row]
    if "json" in kind:
        return list(_values(json.loads(body)))
    root: Any
    if kind == "text/html":
        root = lxml_html.document_fromstring(body, parser=lxml_html.HTMLParser(encoding="utf-8"))
    else:
        root = etree.fromstring(body)
    found = list[str]()
    for element in root.iter():
        texts = [str(each) for each in (element.text, element.tail) if each]
        if element.get("type") == "application/ld+json":
            texts += _values(json.loads(element.text))
        found += texts + [str(each) for each in element.attrib.values()]
    return found


def _values(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield key
            yield from _values(each)
    elif isinstance(value, list):
        for each in value:
            yield from _values(each)
    else:
        yield str(value)
