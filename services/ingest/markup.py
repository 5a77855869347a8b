"""Limits on markup, judged in one pass before a parser builds a tree of it. Pure.

Repairing broken HTML can cost far more than its length: an unclosed `<b>` is opened again in every later paragraph.
So what no article needs is refused first. Tags that HTML lets stand open (`<p>`, `<li>`, cells) don't count as depth.
"""

import re
from collections import Counter

MAX_TAGS = 20_000
MAX_DEPTH = 100
MAX_FORMATTING = 12
"""Elements such as `<b>` that may be open at once."""
MAX_ATTRIBUTES = 60
MAX_AMPERSANDS = 30_000

_TOKEN = re.compile(r"<!--.*?(?:-->|\Z)|<(/?)([a-zA-Z][^\s/>]*)((?:[^>\"']|\"[^\"]*\"|'[^']*')*)>?", re.DOTALL)
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_VOID = set("area base br col embed hr img input link meta param source track wbr".split())
_MAY_STAND_OPEN = set("p li dt dd tr td th thead tbody tfoot colgroup caption option optgroup rp rt".split())
_FORMATTING = set("a b big code em font i nobr s small strike strong tt u".split())


def excess(html: str) -> str | None:
    """What there is too much of, in words for the editor, or None. Takes time in proportion to the length."""
    if html.count("&") > MAX_AMPERSANDS:
        return f"must have at most {MAX_AMPERSANDS} ampersands"
    opened: Counter[str] = Counter()
    tags = depth = formatting = 0
    for token in _TOKEN.finditer(html):
        closing, name, attributes = token.groups()
        if name is None:
            continue
        name = name.lower()
        tags += 1
        if tags > MAX_TAGS:
            return f"must have at most {MAX_TAGS} tags"
        if len(attributes) > MAX_ATTRIBUTES and len(_QUOTED.sub("x", attributes).split()) > MAX_ATTRIBUTES:
            return f"must have at most {MAX_ATTRIBUTES} attributes in a tag"
        if name in _VOID or name in _MAY_STAND_OPEN:
            continue
        if closing and not opened[name]:
            continue
        step = -1 if closing else 1
        opened[name] += step
        depth += step
        formatting += step if name in _FORMATTING else 0
        if depth > MAX_DEPTH or formatting > MAX_FORMATTING:
            return f"must have at most {MAX_DEPTH} elements open within one another, {MAX_FORMATTING} of them like <b>"
    return None
