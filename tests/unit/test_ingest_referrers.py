"""The class of a referrer, by hand."""

import pytest

from services.ingest.reads.referrers import Referrers

SITE = Referrers(["https://www.quangbinh.example", "http://127.0.0.1:8000", "*", "null"])

CASES = {
    "site": (
        "https://www.quangbinh.example http://www.quangbinh.example https://quangbinh.example "
        "https://WWW.QuangBinh.example:8443 https://www.quangbinh.example. http://127.0.0.1:9999"
    ),
    "search": (
        "https://www.google.com https://google.com https://www.google.com.vn https://google.co.uk "
        "https://www.google.de https://news.google.com https://images.google.com.vn "
        "android-app://com.google.android.googlequicksearchbox "
        "android-app://com.google.android.apps.magazines "
        "https://coccoc.com https://search.coccoc.com https://www.bing.com https://cn.bing.com "
        "https://duckduckgo.com https://html.duckduckgo.com https://yandex.ru "
        "https://yandex.com.tr https://www.yandex.com https://ya.ru https://www.baidu.com "
        "https://m.baidu.com "
        "https://vn.search.yahoo.com https://r.search.yahoo.com https://search.brave.com "
        "android-app://com.duckduckgo.mobile.android android-app://com.microsoft.bing "
        "https://www.ecosia.org https://search.naver.com https://m.search.naver.com"
    ),
    "social": (
        "https://www.facebook.com https://m.facebook.com https://l.facebook.com "
        "https://lm.facebook.com http://m.facebook.com https://fb.me https://l.messenger.com "
        "android-app://com.facebook.katana https://l.instagram.com https://www.threads.net "
        "https://l.threads.com https://chat.zalo.me https://zalo.me https://id.zaloapp.com "
        "android-app://com.snapchat.android android-app://org.telegram.messenger "
        "android-app://com.zing.zalo https://t.co https://twitter.com https://x.com "
        "https://www.youtube.com https://m.youtube.com https://youtu.be https://www.tiktok.com "
        "https://www.linkedin.com https://lnkd.in https://www.pinterest.com "
        "https://www.pinterest.co.uk https://vn.pinterest.com https://out.reddit.com https://t.me "
        "https://web.telegram.org "
        "https://web.whatsapp.com https://away.vk.com https://tieba.baidu.com https://weixin.qq.com"
    ),
    "other": (
        "https://elsewhere.example https://mail.google.com https://docs.google.com "
        "android-app://com.google.android.gm https://translate.google.com https://mail.yahoo.com "
        "https://www.naver.com https://mail.yandex.ru https://pan.baidu.com https://www.msn.com "
        "https://chatgpt.com https://www.perplexity.ai https://voz.vn https://vnexpress.net "
        "https://www.google.com.evil.example https://google.evil.example https://notgoogle.com "
        "https://facebook.com.evil.example https://notfacebook.com https://xt.co https://ax.com "
        "https://quangbinh.example.evil.example https://www.www.quangbinh.example "
        "https://sub.quangbinh.example http://127.0.0.2 http://[::1]:8000 https://com https://."
    ),
}


@pytest.mark.parametrize(
    ("referrer", "kind"),
    [(referrer, kind) for kind, referrers in CASES.items() for referrer in referrers.split()],
)
def test_a_referrer_has_the_class_of_its_host(referrer: str, kind: str) -> None:
    assert SITE.class_of(referrer, False) == kind
    assert SITE.class_of(referrer, True) == kind


def test_without_a_referrer_the_app_decides() -> None:
    assert SITE.class_of("", False) == "direct"
    assert SITE.class_of("", True) == "social"


def test_two_sites_are_told_apart() -> None:
    other = Referrers(["https://elsewhere.example"])
    assert other.class_of("https://elsewhere.example", False) == "site"
    assert SITE.class_of("https://elsewhere.example", False) == "other"
    assert other.class_of("https://www.quangbinh.example", False) == "other"
    assert Referrers(["http://[::1]:8000"]).class_of("http://[::1]:9", False) == "site"
