"""The patterns of a list of crawlers, found by a word of each. Pure."""

import re
from collections.abc import Iterable

_OF_BROWSERS = frozenset({"chrome", "version", "browser"})
"""Words of nearly every agent.
As keys they would make each agent be matched against patterns in vain."""


def by_word(patterns: Iterable[str]) -> dict[bytes, list[re.Pattern[bytes]]]:
    """The patterns by their longest word, in lower case, that browsers don't send.

    A pattern without such a word is left out.
    """
    found: dict[bytes, list[re.Pattern[bytes]]] = {}
    for pattern in patterns:
        # A class of one letter in both cases is that letter. Other classes and escapes end a word.
        plain = re.sub(r"\[(\w)\1\]", r"\1", pattern, flags=re.IGNORECASE)
        words = re.findall(r"[a-z0-9]+", re.sub(r"\[[^]]*\]|\\\w", " ", plain).lower())
        if words := [word for word in words if word not in _OF_BROWSERS]:
            key = max(words, key=len).encode()
            found.setdefault(key, []).append(re.compile(pattern.encode(), re.IGNORECASE))
    return found
