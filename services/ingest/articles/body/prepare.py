"""Rewrites the source before it is parsed, so that a parser reads it as editors mean it. Pure."""

import re
from dataclasses import dataclass, field
from html import escape

from services.ingest.articles.body.editor_warnings import Warn
from services.ingest.articles.body.elements import TABLE_PARTS
from services.ingest.articles.body.limits import (
    MAX_ATTRIBUTES,
    ParseEffort,
    check_attributes,
    self_closed,
)

_RAW = frozenset("iframe noembed script style textarea title xmp".split())
"""Elements whose content is no markup to a parser."""
_TEXT = frozenset({"xmp"})
"""Elements of `_RAW` whose content a browser shows as text."""
_ATTRIBUTES = r"(?:[^>\"']|\"[^\"]*\"|'[^']*')*"
_TOKEN = re.compile(
    # The alternatives share their first character, so the text between tags is skipped fast.
    r"<(?:(?P<comment>!--(?:-?>|.*?(?:--!?>|\Z)))"
    r"|!\[CDATA\[(?P<cdata>.*?)(?:\]\]>|\Z)"
    r"|[!?][^>]*>?|/[^a-zA-Z>][^>]*>?"
    rf"|(?P<raw>{'|'.join(sorted(_RAW))})(?=[\s/>])(?!/>)"
    rf"(?P<raw_attributes>{_ATTRIBUTES})(?<![\s\"']/)>(?P<content>.*?)(?=</(?P=raw)[\s/>]|\Z)"
    rf"|(?P<closing>/?)(?P<name>[a-zA-Z][^\s/>]*)(?P<attributes>{_ATTRIBUTES})>?)",
    re.DOTALL | re.IGNORECASE,
)
"""A comment, a CDATA section, something that a parser reads as a comment, a `_RAW` element with its
content, or a tag.
"""
_KEPT_ATTRIBUTE = re.compile(r"\b(?:dir|id|lang|style)\s*=", re.IGNORECASE)
"""Attributes of a `<font>` that are carried over into the body."""
_RENAMED = {"plaintext": "pre", "html": "main", "body": "main", "form": "div", "frameset": "div",
            "xmp": "pre", "noframes": "div"}  # fmt: skip
"""Elements for which a parser has rules of their own, and the ordinary elements that replace them.
`<plaintext>`, for example, never ends.
"""
_CLOSED = re.compile(r"--!?>\Z|\A<!--?-?>\Z")
_NOT_CLOSED = "{} is never closed: the text after it was left out"


def prepare(html: str, sheets: list[str] | None = None, warn: Warn = lambda message: None) -> str:
    """`html`, ready to be parsed. Raises `TooMuch`. Takes time in proportion to the length.

    The content of `<style>` elements is added to `sheets`. `warn` takes a message for a comment, an
    element or a tag that is never closed, because a parser takes all text after it for its content.

    - Tags that a parser ignores in some places, which would join the text before and after them,
      become blocks: `<body>`, a form in a form, parts of a table outside a table.
    - Empty elements of Word (`<w:x/>`) are removed: a parser leaves them open.
    - The content of scripts and styles is removed: tags in it would be counted wrongly.
    - `<iframe/>` becomes an empty `<iframe>`.
    - `<font>` without a kept attribute becomes `<span>`: a parser copies an unclosed `<font>` into
      every later paragraph.
    """
    return _TOKEN.sub(_Rewriter(sheets, warn).token, html)


@dataclass
class _Rewriter:
    """Rewrites one token after another."""

    sheets: list[str] | None
    warn: Warn
    effort: ParseEffort = field(default_factory=ParseEffort)
    fonts: list[str] = field(default_factory=list)
    """The element that each open `<font>` became."""

    def token(self, match: re.Match[str]) -> str:
        """The replacement of one token."""
        comment, cdata, raw, raw_attributes, content, closing, name, attributes = match.groups()
        if raw:
            if match.end() == len(match.string):
                self.warn(_NOT_CLOSED.format(f"<{raw.lower()}>"))
            return self._raw(raw, raw_attributes, content)
        if name is None:
            if comment and not _CLOSED.search(match[0]):
                self.warn(_NOT_CLOSED.format("the comment <!--"))
            return match[0] if comment else escape(cdata or "", quote=False)
        if not match[0].endswith(">") and not (closing and not attributes.strip()):
            self.warn(_NOT_CLOSED.format(f"the tag <{closing}{name[:40]}"))
        name = name.lower()
        if len(attributes) > MAX_ATTRIBUTES:
            check_attributes(attributes)
        if name == "v:imagedata":  # Word's <img>
            return "" if closing else f"<img{attributes}>"
        if name == "frame":
            self.effort.take(bool(closing), name)
            return "" if closing else f"<iframe{attributes}></iframe>"
        if ":" in name and attributes.endswith("/"):
            return ""
        if name in _RAW and not closing and self_closed(attributes):
            return f"<{name}{attributes[:-1]}></{name}>"
        other = _RENAMED.get(name)
        if name == "font":
            other = self._font(bool(closing), attributes)
        elif other is None and name in TABLE_PARTS and not self.effort.opened["table"]:
            other = "div"
        self.effort.take(bool(closing), other or name, attributes)
        return match[0] if other is None else f"<{closing}{other}{attributes}>"

    def _raw(self, name: str, attributes: str, content: str) -> str:
        """A start tag of an element whose content is no markup, and what stays of the content."""
        lower = name.lower()
        if self.sheets is not None and lower == "style":
            self.sheets.append(content)
        content = escape(content, quote=False) if lower in _TEXT else ""
        check_attributes(attributes)
        self.effort.take(False, lower)
        return f"<{_RENAMED.get(lower, name)}{attributes}>{content}"

    def _font(self, closing: bool, attributes: str) -> str:
        """The element that a `<font>` becomes; its end tag becomes the same."""
        if closing:
            return self.fonts.pop() if self.fonts else "span"
        self.fonts.append("font" if _KEPT_ATTRIBUTE.search(attributes) else "span")
        return self.fonts[-1]
