"""The kind of device that a user agent names, and whether it is the browser within a social app.
Pure.

Four classes need a handful of words, so there is no table of models here: a new telephone or tablet
needs no new release. What can't be told: an iPad whose Safari asks for desktop pages (Apple's
default) sends a Mac's agent, and a telephone that asks for the desktop page a computer's.
"""

import re
from functools import lru_cache

from shared.rabbit.batch import DESKTOP, MOBILE, OTHER_CLASS, TABLET

MAX_LENGTH = 512
"""Upper bound for the bytes of a user agent that are examined, as for bots."""

# Asked first: a television's agent also names Android, Linux, or a mobile browser.
_OTHER = re.compile(
    rb"smart-?tv|smart tv|hbbtv|netcast|web0s|webos\.tv|appletv|apple tv|googletv|google tv"
    rb"|android ?tv|crkey|\broku|bravia|\baft[a-z]+ build|mitv|viera|\bce-html"
    rb"|playstation|xbox|nintendo|watchos|apple watch|wear ?os"
)
# "Tablet PC" is a part of old Windows, on computers too.
_TABLET = re.compile(rb"ipad|tablet(?! pc)|playbook|kindle|\bsilk/|\bsm-t\d|\bkf[a-z]{2,6} build")
_MOBILE = re.compile(
    rb"iphone|ipod|mobi|phone|opera mini|ucweb|ucbrowser|midp|j2me|kaios|blackberry|bb10|symbian"
    rb"|series ?[346]0|nokia|\bmaui\b|fennec|^dalvik/"
)
_DESKTOP = re.compile(
    rb"windows|win(?:9|nt)|macintosh|mac os x|mac_powerpc|x11|\bcros\b|linux|bsd|sunos|os/2|haiku"
)
# Apps in which people pass links to each other. Many open a page without a referrer; Zalo does,
# which is the most used one in Vietnam.
_SOCIAL_APP = re.compile(
    rb"\bfb(?:an|av|_iab|ios)\b|\[fb|instagram|\bzalo|barcelona|tiktok|musical_ly|bytedance|trill_"
    rb"|twitter|linkedinapp|pinterest|snapchat|micromessenger|kakaotalk|\bline/\d|viber|whatsapp"
    rb"|telegram|\bgapo|reddit"
)


def device_of(user_agent: bytes) -> tuple[str, bool]:
    """(class of the device, True for the browser within a social app).
    Only the first `MAX_LENGTH` bytes are examined, and cached.
    """
    return _device_of(user_agent[:MAX_LENGTH])


@lru_cache(maxsize=10_000)
def _device_of(user_agent: bytes) -> tuple[str, bool]:
    agent = user_agent.lower()
    return _class_of(agent), _SOCIAL_APP.search(agent) is not None


def _class_of(agent: bytes) -> str:
    if _OTHER.search(agent):
        return OTHER_CLASS
    if _TABLET.search(agent):
        return TABLET
    if _MOBILE.search(agent):
        return MOBILE
    if b"android" in agent:  # without "Mobile", by which Android's browsers tell telephones
        return TABLET
    return DESKTOP if _DESKTOP.search(agent) else OTHER_CLASS
