"""Unicode characters for those of the symbol fonts in which Word writes arrows, bullets and Greek
letters. Pure.
"""

import re

_WINGDINGS = dict(zip(
    "!\"()*EFGHJKLQRlnoqrstuvw\u00a0Ÿ§¨«ØÜßàáâãèïðñòûüýþ",
    "✏✂☎✆✉☜☞☝☟☺😐☹✈☼●■□❑❒◆◆◆❖◆ •▪◻★➢➲←→↑↓↖➔⇦⇨⇧⇩✗✓☒☑",
    strict=True,
))  # fmt: skip
_SYMBOL = dict(zip(
    "abcdefghijklmnopqrstuvwxyzABGDEZHQIKLMNXOPRSTUFCYW\u00a0-+=/,.()0123456789%·°±³£¹»®¬\u00ad¯Þ´¥Öåò¶¨©ª§ÎÇÈ$\"¸¼",
    "αβχδεφγηιϕκλμνοπθρστυϖωξψζΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩ "
    "−+=/,.()0123456789%•°±≥≤≠≈→←↑↓⇒×∞√∑∫∂♦♥♠♣∈∩∪∃∀÷…",
    strict=True,
))  # fmt: skip
FONTS = {"wingdings": _WINGDINGS, "symbol": _SYMBOL}
_UNKNOWN = {
    **{bullet: _WINGDINGS[bullet] for bullet in "lnoqv§¨Øàüþ"},
    **{sign: _SYMBOL[sign] for sign in "·°±³£´"},
}
"""Characters for private codes whose font is not known: the most frequent one, where there is a
clear one.
"""
_LONGEST = 3
"""Upper bound for the characters of a text in a symbol font. In a longer one the font is most
likely a mistake, and its letters are letters."""
PRIVATE = re.compile("[\ue000-\uf8ff]")
"""Private characters. Each has a shape in one font; in all others it shows as an empty box."""
_CODES = re.compile("[\uf020-\uf0ff]")
"""Private characters in which Word and PDF store the characters of symbol fonts."""


def readable(text: str, font: str = "") -> str:
    """`text` with Unicode characters for those of the symbol font `font` (lower case; "" for
    another font) and for private codes.
    """
    table = FONTS.get(font)
    text = _CODES.sub(lambda found: _public(found[0], table or _UNKNOWN), text)
    if (
        table is None
        or len(text.strip()) > _LONGEST
        or not all(c in table or c.isspace() for c in text)
    ):
        return text
    return "".join(table.get(character, character) for character in text)


def _public(character: str, table: dict[str, str]) -> str:
    return table.get(chr(ord(character) - 0xF000), character)
