"""Characters that only a font of symbols makes readable: Word's arrows and bullets, as characters
of Unicode. Pure.
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
"""For a character of which only the code is left: what is met most often under it, if that is
clear.
"""
_LONGEST = 3
"""Characters of a text in such a font. A longer one was most likely never shown in it."""
PRIVATE = re.compile("[\ue000-\uf8ff]")
"""Characters without a meaning but in one font: elsewhere they show as empty boxes."""
_CODES = re.compile("[\uf020-\uf0ff]")
"""Those that Word and PDF write for the characters of fonts of symbols."""


def readable(text: str, font: str = "") -> str:
    """`text` with the characters of Unicode for those of `font` (lower case), and for private
    codes.
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
