"""The kind of device that a user agent names, and whether it is the browser within a social app.
Pure.

Four classes need a handful of words, so there is no table of models here: a new telephone or tablet
needs no new release. What can't be told: an iPad whose Safari asks for desktop pages (Apple's
default) sends a Mac's agent, and a telephone that asks for the desktop page a computer's.

A new agent is judged by one search for all words at once (Aho-Corasick), as for bots.
"""

import re
from functools import lru_cache

from ahocorasick_rs import BytesAhoCorasick

from shared.rabbit.batch import DESKTOP, MOBILE, OTHER_CLASS, TABLET

MAX_LENGTH = 512
"""Upper bound for the bytes of a user agent that are examined, as for bots."""

_APPLIANCE, _ANDROID, _SOCIAL_APP = "television, console or watch", "android", "social app"
_ORDER = {
    # A television's agent also names Android, Linux, or a mobile browser.
    _APPLIANCE: OTHER_CLASS,
    TABLET: TABLET,
    MOBILE: MOBILE,
    _ANDROID: TABLET,  # without "Mobile", by which Android's browsers tell telephones
    DESKTOP: DESKTOP,
}
"""What decides first stands first."""
_WORDS = {
    _APPLIANCE: (
        b"smart-tv|smarttv|smart tv|hbbtv|netcast|web0s|webos.tv|appletv|apple tv|googletv"
        b"|google tv|android tv|androidtv|crkey|roku/|bravia|mitv|viera|ce-html|playstation|xbox"
        b"|nintendo|watchos|apple watch|wear os|wearos"
    ),
    TABLET: b"ipad|playbook|kindle| silk/",
    MOBILE: (
        b"iphone|ipod|mobi|phone|opera mini|ucweb|ucbrowser|midp|j2me|kaios|blackberry|bb10"
        b"|symbian|series40|series60|nokia|maui|fennec"
    ),
    _ANDROID: b"android",
    DESKTOP: (b"windows|win9|winnt|macintosh|mac os x|mac_powerpc|x11|linux|bsd|sunos|os/2|haiku"),
    # Apps in which people pass links to each other. Many open a page without a referrer; Zalo does,
    # which is the most used one in Vietnam.
    _SOCIAL_APP: (
        b"fban/|fbav/|fb_iab|[fb|instagram|zalo|barcelona|tiktok|musical_ly|bytedance|trill_"
        b"|twitter|linkedinapp|pinterest|snapchat|micromessenger|kakaotalk|viber|whatsapp|telegram"
        b"|reddit"
    ),
}
_SECOND_LOOK = {
    b"tablet": (TABLET, rb"tablet(?! pc)"),  # "Tablet PC" is a part of old Windows
    b"kf": (TABLET, rb"\bkf[a-z]{2,6} build"),
    b"sm-t": (TABLET, rb"\bsm-t\d"),
    b"aft": (_APPLIANCE, rb"\baft[a-z]+ build"),
    b"dalvik/": (MOBILE, rb"^dalvik/"),
    b"line/": (_SOCIAL_APP, rb"\bline/\d"),
    b"gapo": (_SOCIAL_APP, rb"\bgapo"),
}
_NAMES: list[tuple[bytes, str, re.Pattern[bytes] | None]] = [
    *((word, kind, None) for kind, words in _WORDS.items() for word in words.split(b"|")),
    *((word, kind, re.compile(look)) for word, (kind, look) in _SECOND_LOOK.items()),
]
_ANY_NAME = BytesAhoCorasick([word for word, _, _ in _NAMES])


def device_of(user_agent: bytes) -> tuple[str, bool]:
    """(class of the device, True for the browser within a social app).
    Only the first `MAX_LENGTH` bytes are examined, and cached.
    """
    return _device_of(user_agent[:MAX_LENGTH])


@lru_cache(maxsize=10_000)
def _device_of(user_agent: bytes) -> tuple[str, bool]:
    agent, found = user_agent.lower(), set[str]()
    for number, _, _ in _ANY_NAME.find_matches_as_indexes(agent, overlapping=True):
        _, kind, look = _NAMES[number]
        if look is None or look.search(agent):
            found.add(kind)
    device = next((_ORDER[kind] for kind in _ORDER if kind in found), OTHER_CLASS)
    return device, _SOCIAL_APP in found
