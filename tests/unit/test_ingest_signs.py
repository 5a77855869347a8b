"""What headers say of a read, however they are spelled."""

import pytest

from services.ingest.reads.signs import read_signs
from tests.support.settings import ingest_settings

PREFETCH, ORIGIN = "prefetch", "origin"  # as the batches and the books name them
OURS = (
    "https://www.example.org",
    "http://m.example.org:8080",
    "https://xn--bo-mia.example",
    "http://[2001:db8::5]",
)


def reason(*headers: tuple[str, str], origins: tuple[str, ...] = OURS) -> str:
    raw = [(name.lower().encode(), value.encode()) for name, value in headers]
    others = [(b"host", b"www.example.org"), (b"user-agent", b"Firefox"), (b"accept", b"*/*")]
    agent, found, _ = read_signs([*others, *raw], origins)
    assert agent == b"Firefox"
    return found


@pytest.mark.parametrize("name", ["Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"])
@pytest.mark.parametrize(
    "value",
    [
        *(
            "prefetch",
            "PREFETCH",
            " prefetch ",
            '"prefetch"',
            "prerender",
            "preview",
            "prefetch;prerender",
        ),
        *(
            "prefetch; prerender",
            "prefetch;anonymous-client-ip",
            "prefetch ; a=1",
            "navigate, prefetch",
        ),
    ],
)
def test_what_is_fetched_ahead_of_the_reader(name: str, value: str) -> None:
    assert reason((name, value)) == PREFETCH
    assert (
        reason((name, ""), (name, value), (name, "x")) == PREFETCH
    )  # lines of one header are one list
    assert reason((name, value), ("Sec-Fetch-Site", "cross-site")) == PREFETCH


@pytest.mark.parametrize("value", ["", "navigate", "reload", "x"])
def test_another_purpose_is_a_person_s(value: str) -> None:
    assert reason(("Sec-Purpose", value), ("Purpose", value), ("X-Moz", value)) == ""


@pytest.mark.parametrize(
    "origin",
    [
        *(
            "https://www.example.org",
            "HTTPS://WWW.Example.ORG",
            "https://www.example.org:443",
            "https://www.example.org.",
        ),
        *("https://www.example.org.:443", " https://www.example.org ", "https://www.example.org/"),
        *(
            "http://m.example.org:8080",
            "https://báo.example",
            "https://BÁO.example",
            "https://xn--bo-mia.example",
        ),
        *("http://[2001:db8::5]:80", "http://[2001:DB8:0::5]"),
    ],
)
def test_pages_of_ours(origin: str) -> None:
    for site in ((), (("Sec-Fetch-Site", "same-site"),), (("Sec-Fetch-Site", "cross-site"),)):
        assert reason(("Origin", origin), *site) == ""
    assert reason(("Origin", origin), ("Origin", origin)) == ""
    assert reason(("Origin", origin), ("Origin", "https://elsewhere.example")) == ORIGIN
    assert reason(("Origin", "https://elsewhere.example"), ("Origin", origin)) == ORIGIN


@pytest.mark.parametrize(
    "origin",
    [
        *(
            "https://elsewhere.example",
            "http://www.example.org",
            "https://www.example.org:8443",
            "https://example.org",
        ),
        *(
            "https://www.example.org.evil.example",
            "https://evil-www.example.org",
            "https://blog.example.org",
        ),
        *(
            "https://user@www.example.org",
            "https://www.example.org@evil.example",
            "https://www.example.org..",
            "null",
        ),
        *(
            "www.example.org",
            "//www.example.org",
            "file://",
            "chrome-extension://abcdef",
            "https://",
            "x",
            ",",
            "*",
        ),
        *(
            "https://m.example.org:8080",
            "http://m.example.org",
            "https://www.example.org https://elsewhere.example",
        ),
        "https://" + "w" * 10_000 + ".example",
    ],
)
def test_pages_of_other_sites(origin: str) -> None:
    assert reason(("Origin", origin)) == ORIGIN
    assert reason(("Origin", origin), ("Sec-Fetch-Site", "same-site")) == ORIGIN
    assert reason(("Origin", origin), origins=(*OURS, "*")) == ""
    # What the browser takes for the very origin that answers is ours, whatever its name.
    assert reason(("Origin", origin), ("Sec-Fetch-Site", "same-origin")) == ""


@pytest.mark.parametrize(
    "site", ["cross-site", "Cross-Site", " cross-site", "same-origin, cross-site"]
)
def test_a_page_of_another_site_without_an_origin(site: str) -> None:
    assert reason(("Sec-Fetch-Site", site)) == ORIGIN
    assert reason(("Sec-Fetch-Site", site), ("Referer", "https://elsewhere.example/a")) == ORIGIN
    assert reason(("Sec-Fetch-Site", "same-origin"), ("Sec-Fetch-Site", site)) == ORIGIN
    assert reason(("Sec-Fetch-Site", site), ("Sec-Fetch-Site", "same-origin")) == ORIGIN


@pytest.mark.parametrize(
    "referer",
    [
        "https://www.example.org/",
        "https://www.example.org",
        "https://WWW.example.org:443/a,b?c#d" + "e" * 9000,
    ],
)
def test_a_picture_on_a_page_of_ours_on_another_site(referer: str) -> None:
    """Without JavaScript no `Origin` is sent: the page of https://www.example.org shows a picture
    of another site.
    """
    assert reason(("Sec-Fetch-Site", "cross-site"), ("Referer", referer)) == ""
    assert (
        reason(("Sec-Fetch-Site", "cross-site"), ("Referer", referer), ("Origin", "null")) == ORIGIN
    )


def test_a_request_without_headers_is_believed() -> None:
    assert read_signs([], OURS) == (b"", "", False)


def test_an_origin_is_compared_up_to_300_bytes() -> None:
    assert reason(("Origin", OURS[0].ljust(300))) == ""
    assert reason(("Origin", OURS[0].ljust(301))) == ORIGIN


def test_pages_with_the_opaque_origin_may_be_allowed() -> None:
    for origin in ("null", " NULL "):
        assert reason(("Origin", origin), origins=("null",)) == ""


def test_an_origin_that_is_no_text_is_foreign() -> None:
    assert read_signs([(b"origin", b"https://\xff.example")], OURS) == (b"", ORIGIN, False)


def test_browsers_that_send_neither_are_believed() -> None:
    assert (
        reason()
        == reason(("Origin", ""))
        == reason(("Referer", "https://elsewhere.example/"))
        == ""
    )
    for site in ("same-origin", "Same-Origin", "same-site", "none", "", "unheard-of"):
        assert reason(("Sec-Fetch-Site", site)) == ""


def test_origins_of_the_setting() -> None:
    given = (
        "https://www.example.org., HTTPS://www.example.org:443/,https://báo.example , "
        "null,http://my_host:81"
    )
    found = ingest_settings(read_origins=given).read_origins
    assert found == (
        "https://www.example.org",
        "https://xn--bo-mia.example",
        "null",
        "http://my_host:81",
    )
    assert isinstance(found, tuple)
    assert (
        reason(("Origin", "null"), origins=found)
        == reason(("Origin", "http://my_host:81"), origins=found)
        == ""
    )


@pytest.mark.parametrize(
    "given",
    [
        *(
            "NULL",
            "https://*.example.org",
            "https://u@x.example",
            "https://x.example:0",
            "https://x.example:",
        ),
        *(
            "https://x.example:٨٠",
            "https://[abc]",
            "https://[1.2.3.4]",
            "https://x.example\n.example",
            "https://a b",
        ),
        *(
            "https://.",
            "https://a..b",
            "https://" + "a" * 64 + ".example",
            "https://" + "a.b" * 100,
            "app://localhost",
        ),
        *(
            "https://a.example;https://b.example",
            "https://a.example https://b.example",
            "https://a.example|b",
        ),
    ],
)
def test_what_is_no_origin_is_told(given: str) -> None:
    with pytest.raises(ValueError, match="is no origin such as https"):
        ingest_settings(read_origins=f"https://www.example.org, {given}")


@pytest.mark.parametrize(
    ("headers", "private"),
    [
        ([(b"sec-gpc", b"1")], True),
        ([(b"sec-gpc", b" 1 "), (b"sec-fetch-site", b"same-origin")], True),
        ([(b"origin", b"https://other.example"), (b"sec-gpc", b"1")], True),
        ([(b"purpose", b"prefetch"), (b"sec-gpc", b"1")], True),
        ([(b"sec-gpc", b"0")], False),
        ([(b"sec-gpc", b"10")], False),
        ([(b"sec-gpc", b"")], False),
        ([(b"dnt", b"1")], False),
        ([], False),
    ],
)
def test_global_privacy_control_is_one(headers: list[tuple[bytes, bytes]], private: bool) -> None:
    assert read_signs([(b"user-agent", b"Firefox"), *headers], OURS)[2] is private
