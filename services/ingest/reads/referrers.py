"""The class of a referrer: the kind of place that a reader came from. Pure.

A referrer is the scheme and host of the page before, as the page's script sends it; or "" if the
browser names none: a typed address, a bookmark, most apps. Only its class leaves this module.

    direct   none, and the browser is not that of a social app
    site     a page of the site itself: a reader who goes on to another article
    search   a search engine: Google, Cốc Cốc (a browser and search engine of Vietnam), Bing …
    social   a network or messenger in which people pass links on: Facebook, Zalo, YouTube …
    other    any other page, and apps that are neither

The lists have what the pages of Vietnamese portals meet, and the largest of the world. A host that
is missing is `other`, never a wrong class. Decisions that a newcomer would ask about:

- Google News and Discover are `search`. Discover opens pages with the referrer www.google.com, or
  that of Google's app, as a search does; they can't be told apart. Gmail, Google Docs and the like
  are `other`.
- Portals such as msn.com, mail, forums and assistants such as ChatGPT are `other`.
- Without a referrer the browser within a social app is `social`: Zalo and others open pages so.
- Redirectors count as their owner: l.facebook.com, lm.facebook.com, t.co, out.reddit.com.
- A host belongs to a list with its subdomains; where other services have subdomains (Google,
  Yandex, Baidu, Yahoo, Naver), only the named ones do.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

from shared.rabbit.batch import DIRECT, OTHER_CLASS, SEARCH, SITE_ITSELF, SOCIAL

_SEARCH = (
    "coccoc.com bing.com duckduckgo.com ecosia.org startpage.com qwant.com kagi.com mojeek.com "
    "swisscows.com presearch.com ask.com so.com sogou.com petalsearch.com ya.ru "
    "search.brave.com search.yahoo.com search.yahoo.co.jp search.aol.com search.naver.com "
    "search.daum.net search.seznam.cz "
    # apps, as Android names them
    "com.google.android.googlequicksearchbox com.google.android.apps.magazines com.microsoft.bing "
    "com.duckduckgo.mobile.android"
)
_SOCIAL = (
    "facebook.com fb.com fb.me fb.watch messenger.com m.me instagram.com threads.net threads.com "
    "zalo.me zaloapp.com gapo.vn lotus.vn "
    "twitter.com x.com t.co youtube.com youtu.be tiktok.com linkedin.com lnkd.in pin.it "
    "reddit.com redd.it tumblr.com quora.com snapchat.com bsky.app mastodon.social "
    "t.me telegram.me telegram.org whatsapp.com wa.me viber.com line.me discord.com discord.gg "
    "vk.com vk.ru ok.ru weibo.com weibo.cn t.cn weixin.qq.com tieba.baidu.com "
    # apps
    "com.facebook.katana com.facebook.lite com.facebook.orca com.instagram.android "
    "com.instagram.barcelona com.zing.zalo com.twitter.android com.linkedin.android com.pinterest "
    "com.reddit.frontpage org.telegram.messenger com.whatsapp com.viber.voip "
    "jp.naver.line.android com.ss.android.ugc.trill com.zhiliaoapp.musically "
    "com.google.android.youtube com.tencent.mm com.discord com.snapchat.android"
)
_OF_HOSTS = dict.fromkeys(_SEARCH.split(), SEARCH) | dict.fromkeys(_SOCIAL.split(), SOCIAL)
_COUNTRY = r"(?:com?\.)?[a-z]{2}|com"
_OF_NAMES = (
    (re.compile(rf"(?:(?:www|news|images|m|cse|encrypted)\.)?google\.(?:{_COUNTRY})"), SEARCH),
    (re.compile(rf"(?:(?:www|m|images|news)\.)?yandex\.(?:{_COUNTRY})"), SEARCH),
    (re.compile(r"(?:(?:www|m|image|news)\.)?baidu\.com"), SEARCH),
    (re.compile(rf"(?:[a-z]{{2,3}}\.)?pinterest\.(?:{_COUNTRY})"), SOCIAL),
)


class Referrers:
    """Classifies referrers; the site is known by the origins of its pages."""

    def __init__(self, origins: Iterable[str]) -> None:
        """`origins`: such as `https://www.example.org`. Words without a host are passed over."""
        self._own = frozenset(_bare(_host(origin)) for origin in origins if "://" in origin)
        self._class_of = lru_cache(maxsize=10_000)(self._judge)

    def class_of(self, referrer: str, social_app: bool) -> str:
        """The class of `referrer`: scheme and host, or "". `social_app`: the browser is one."""
        if referrer:
            return self._class_of(referrer)
        return SOCIAL if social_app else DIRECT

    def _judge(self, referrer: str) -> str:
        host = _host(referrer)
        if _bare(host) in self._own:
            return SITE_ITSELF
        for pattern, kind in _OF_NAMES:
            if pattern.fullmatch(host):
                return kind
        while host:
            if host in _OF_HOSTS:
                return _OF_HOSTS[host]
            host = host.partition(".")[2]
        return OTHER_CLASS


def _host(origin: str) -> str:
    """The host of an origin, in lower case, without port and final dot."""
    rest = origin.partition("://")[2].lower()
    return re.sub(r":\d*$", "", rest).rstrip(".")


def _bare(host: str) -> str:
    """`host` without www., which most sites answer to as well."""
    return host.removeprefix("www.")
