"""Reduces a user agent to what the rules for bots look at. Pure.

A reduced agent is what may be kept of one, for as long as batches are (ADR 0036). Left out are
versions and other numbers, words with digits that no rule knows (models, builds, ids of devices and
apps), what stands beside a device's system, languages, the paths of addresses, and the names in
front of an "@". Kept are the names of programs, systems and engines, because a new rule is a new
name.

Reducing a reduced agent changes nothing, so a verdict can be repeated from what was kept.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

MAX_AGENT_LENGTH = 512
"""Upper bound for the bytes of a user agent that are examined."""
LONGEST_WORD = 32
"""Upper bound for a word that is kept; the longest that a rule looks for has 24 letters."""

# Words with digits that a rule looks at.
_OF_RULES = (
    b"x11 w3m j2me web0s andr0id winnt win9x win95 win98 win16 win32 win64 win10 win11 site24x7 "
    b"webkit2png x86 x64"
).split()
_ROBOT = re.compile(rb"bot|spider|crawl|scrap")
_WORD = re.compile(rb"[a-z0-9]+")
# A name with its number, such as iphone15 or os17. Of a word in which letters and digits take turns
# nothing is kept, because it is an id: the letters before its first digit may tell it from others.
_NAME = re.compile(rb"([a-z]+)\d+[a-z]{0,2}")
_HEXADECIMAL = re.compile(rb"[0-9a-f]+")

_NUMBERED = re.compile(
    # "Mozilla/5.0" alone is a browser's, Version/4.0 a page's within an app, 008 a robot
    rb"(?<![a-z0-9])(?:mozilla/[345]\.0(?![.\d])|version/4\.0(?![.\d])|008(?=/))"
    rb"|(?<![a-z0-9])[a-z]*+\d[a-z0-9]*(?:[._]\d[a-z0-9]*)*"
)
_VERBATIM = re.compile(rb"mozilla/|version/|008\Z")
_LONG = re.compile(rb"(?<![a-z])([a-z]{%d})[a-z]+" % LONGEST_WORD)
_ADDRESS = re.compile(rb"(https?://[\w.-]*+)[^\s();,]+")
_MAILBOX = re.compile(rb"(?<![\w.+-])[\w.+-]+(?=@[\w-])")
_LANGUAGE = re.compile(rb"([ ;/])[a-z]{2}[-_][a-z]{2}(?=[;)\]])")
_OF_FACEBOOK = re.compile(rb"\[(fb[^\];]*);[^\]]*\]")
# What may be said beside a device's system.
_KNOWN_ITEM = re.compile(
    rb"(?:linux|u|k|wv|android|mobile|tablet|tv|arm|x86|rv:1|windows phone|harmonyos"
    rb"|[a-z ]*\btv\b[a-z ]*)(?: 1)?"
)
_COMMENT = re.compile(rb"\(([^()]*)\)")

EMAIL = rb"\w@[\w-][\w.-]*\.[a-z]{2}"
"""A full address, because "@" alone also precedes versions: "(Ecosia ios@10.1.0)"."""
# Program names inside a comment about a device; "Spider" alone is a telephone.
NOT_A_MODEL = re.compile(
    rb"compatible|https?:|" + EMAIL + rb"|(?<!cu)bot(?:-[a-z]+)?/|-google/"
    rb"|(?<!; )(?:crawl|spider)(?!\w* build/)|(?:crawler|spider)[/-]"
)
"""Names of programs that make a comment no device's."""


class Reduction:
    """Reduces agents. `words` are words with digits that are kept, such as `mj12bot`."""

    def __init__(self, words: Iterable[bytes] = ()) -> None:
        self._kept = frozenset((*_OF_RULES, *words))
        # A new agent is made of known parts, but for one or two.
        self._part = lru_cache(maxsize=20_000)(self._reduced_part)

    def reduced(self, agent: bytes) -> bytes:
        """What is kept of `agent`: lower case, at most `MAX_AGENT_LENGTH` bytes."""
        text = agent[:MAX_AGENT_LENGTH].lower()
        # Looking for a word first is much faster than what each pattern costs in vain.
        if b"://" in text:
            text = _ADDRESS.sub(rb"\1", text)
        if b"@" in text:
            text = _MAILBOX.sub(b"a", text)
        if b"[fb" in text:
            text = _OF_FACEBOOK.sub(rb"[\1]", text)
        text = b" ".join(map(self._part, text.split(b" ")))
        if b"-" in text or b"_" in text:
            text = _LANGUAGE.sub(rb"\1", text)
        if b"android" in text or b"dpi;" in text:
            text = _COMMENT.sub(_device, text)
        return text

    def _reduced_part(self, part: bytes) -> bytes:
        """What is kept of a part without spaces."""
        return _LONG.sub(rb"\1", _NUMBERED.sub(self._reduced_word, part))

    def _reduced_word(self, found: re.Match[bytes]) -> bytes:
        text = found[0]
        if _VERBATIM.match(text):
            return text
        first: bytes = _WORD.findall(text)[0]
        if first in self._kept or _ROBOT.search(first):
            return first
        if first[:1].isdigit() and first.endswith(b"dpi"):  # an app's comment about its device
            return b"1dpi"
        if first.startswith(b"00000"):  # privacy tools overwrite an agent with zeros
            return b"00000"
        name = _NAME.fullmatch(first)
        return name[1] if name and not _HEXADECIMAL.fullmatch(first) else b"1"


def words_with_digits(patterns: Iterable[str]) -> frozenset[bytes]:
    """The words of the patterns that have both letters and digits, in lower case."""
    return frozenset(
        word.encode()
        for pattern in patterns
        for word in re.findall(r"[a-z0-9]+", re.sub(r"\\\w", " ", pattern).lower())
        if not word.isalpha() and not word.isdigit()
    )


def _device(found: re.Match[bytes]) -> bytes:
    return _without_device(found[1])


@lru_cache(maxsize=10_000)
def _without_device(comment: bytes) -> bytes:
    """The comment, in its parentheses; without the device if it names one."""
    of_android = b"android" in comment
    if not (of_android or b"dpi;" in comment) or NOT_A_MODEL.search(comment):
        return b"(" + comment + b")"
    if not of_android:  # the screen of an app's device
        return b"(1dpi;)" if b"1dpi;" in comment else b"(dpi;)"
    items = [item.strip() for item in comment.split(b";")]
    kept = [item for item in items if _KNOWN_ITEM.fullmatch(item)]
    if not any(b"android" in item for item in kept):
        kept.append(b"android")
    return b"(" + b"; ".join(kept) + b")"
