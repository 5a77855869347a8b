"""The text of an article's sanitised HTML. Pure."""

import re
from html import unescape

_TAG = re.compile(r"<(/?[a-zA-Z][a-zA-Z0-9]*)(?:[^>\"']|\"[^\"]*\"|'[^']*')*>")
_INLINE = frozenset(
    "a abbr b bdi bdo cite code data del dfn em i ins kbd mark q s samp small span strong sub sup "
    "time u var wbr".split()
)
_SPACES, _LINES = re.compile(r"[ \t\r\f\xa0]+"), re.compile(r"\s*\n\s*")


def text_of_html(html: str) -> str:
    """The text of `html`, each of its blocks on a line of its own. Elements within a line join
    nothing and part nothing: `<b>Đ</b>iện` is one word.
    """
    text = unescape(_TAG.sub(_between, html))
    return _LINES.sub("\n", _SPACES.sub(" ", text)).strip()


def _between(tag: re.Match[str]) -> str:
    return "" if tag[1].lstrip("/").lower() in _INLINE else "\n"
