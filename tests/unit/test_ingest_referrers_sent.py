"""What a read's query may say, on the fast path and through ASGI alike."""

from urllib.parse import quote

import pytest

from services.ingest.reads.read_request import MAX_CACHED, referrer_of
from shared.base.errors import Problem
from shared.web.bounds import MAX_TARGET
from tests.support.both_paths import BothPaths, Told

FIREFOX = "mozilla/5.0 (x11; linux x86; rv:1) gecko/1 firefox/1 1"
"""What is kept of the agent that each read has."""
MALFORMED = "must be scheme and host, such as https://www.example.org, or empty"


def fault(query: bytes) -> str:
    """What is said of the referrer."""
    with pytest.raises(Problem) as problem:
        referrer_of(query)
    assert problem.value.status == 422
    ((path, message),) = [(error["path"], error["message"]) for error in problem.value.errors]
    assert path == "referrer"
    return message


@pytest.mark.parametrize(
    "referrer",
    [
        "", "https://www.google.com", "http://localhost:8000", "https://[2001:db8::1]:8443",
        "android-app://com.google.android.gm", "android-app://com.zing.zalo",
        "HTTPS://WWW.EXAMPLE.ORG", "https://xn--bo-tin-9sa.vn", "https://a_b.example.org.",
        "x://" + "h" * 255, "web+app://a", "s" * 31 + "://" + "h" * 255,
    ],
)  # fmt: skip
def test_a_read_may_name_the_host_that_the_reader_came_from(referrer: str) -> None:
    everything = "".join(f"%{byte:02x}" for byte in referrer.encode())
    for sent in (quote(referrer, safe=""), referrer, everything):
        for query in ("referrer=%s", "a=b&referrer=%s", "referrer=%s&a", "&&referrer=%s&&"):
            assert referrer_of((query % sent).encode()) == referrer


@pytest.mark.parametrize(
    "query",
    [
        b"", b"&", b"=", b"a", b"referer=https://a", b"Referrer=https://a", b"xreferrer=https://a",
        b"referrers=https://a", b"a=referrer", b"a&=referrer=https://a", b"referrer.x=1",
        b"a?referrer=https://a", b"a;referrer=https://a", b"a=1&a=2&" + b"b&" * 4000,
    ],
)  # fmt: skip
def test_without_the_parameter_the_referrer_is_not_known(query: bytes) -> None:
    assert referrer_of(query) is None


def test_a_parameter_without_a_value_is_no_referrer() -> None:
    assert referrer_of(b"referrer") == referrer_of(b"a&referrer&b") == referrer_of(b"referrer=")
    assert referrer_of(b"referrer") == ""


@pytest.mark.parametrize(
    "value",
    [
        b"%20", b"+", b"www.google.com", b"//www.google.com", b"https://", b"https://a/",
        b"https://a/path", b"https://a?q=1", b"https://a%23b", b"https://u@a", b"https://u:p@a",
        b"https://a%0a", b"https://a%20b", b"https://a+b", "https://báo.vn".encode(),
        b"https://b%C3%A1o.vn", b"https://%ff", b"https://\xff", b"https://a%00", b"https://a\0",
        b"%00", b"://a", b"1a://b", b"about%3Ablank", b"https://" + b"a" * 256, b"a" * 32 + b"://b",
        b"https://a,https://b", b"javascript://%0aalert(1)", b"https://a\\b", b"https://a%",
        b"https://a%2", b"https://a%zz", b"https%253A%252F%252Fa", b"%zz", b"a" * 1_000_000,
        b"https://" + b"%61" * 350_000, b"%" * 1_000_000, b"https://a;b=c", b"=https://a",
    ],
)  # fmt: skip
def test_a_referrer_is_a_scheme_and_a_host(value: bytes) -> None:
    assert fault(b"referrer=" + value) == MALFORMED
    assert fault(b"a=b&referrer=" + value + b"&c") == MALFORMED


@pytest.mark.parametrize(
    "query",
    [
        b"referrer=https://a&referrer=https://a", b"referrer&referrer", b"referrer=&x&referrer=",
        b"referrer=%00&referrer=%00", b"referrer&" * 100_000,
    ],
)  # fmt: skip
def test_a_referrer_is_given_once(query: bytes) -> None:
    assert fault(query) == "is given twice"


def test_a_long_query_is_read_and_not_cached() -> None:
    sent = b"a=%s&referrer=https://long.example"
    short, long = sent % b"x", sent % (b"x" * MAX_CACHED)
    assert referrer_of(short) == referrer_of(long) == "https://long.example"
    assert referrer_of(short) is referrer_of(short)
    assert referrer_of(long) is not referrer_of(long)


# ── both paths


async def told(target: bytes) -> Told:
    """The answer, which is the same on both paths."""
    paths = BothPaths()
    fast = await paths.read(target)
    assert paths.fast == (fast.status == 204)
    assert await paths.read(target, slow=True) == fast
    assert paths.fast == (fast.status == 204)
    return fast


@pytest.mark.parametrize(
    ("query", "referrer"),
    [
        (b"", ""),
        (b"?", ""),
        (b"?referrer", "direct"),
        (b"?referrer=", "direct"),
        (b"?referrer=https%3A%2F%2Fwww.example.org", "site"),
        (b"?referrer=https://www.google.com", "search"),
        (b"?referrer=android-app%3A%2F%2Fcom.google.android.gm", "other"),
        (b"?referrer=android-app%3A%2F%2Fcom.zing.zalo", "social"),
        (b"?referrer=https%3A%2F%2F%5B2001%3Adb8%3A%3A1%5D%3A8443", "other"),
    ],
)
async def test_both_paths_find_the_same_class(query: bytes, referrer: str) -> None:
    assert await told(b"/reads" + query) == Told(
        204, "counted", None, (referrer, "desktop", FIREFOX)
    )


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        (b"?referrer=www.google.com", MALFORMED),
        (b"?referrer=https://a/", MALFORMED),
        (b"?referrer=https://a%00", MALFORMED),
        (b"?referrer=https://b%C3%A1o.vn", MALFORMED),
        (b"?referrer=%zz", MALFORMED),
        (b"?referrer=https://" + b"a" * 7000, MALFORMED),
        (b"?referrer=https://a&referrer=https://a", "is given twice"),
        (b"?" + b"referrer&" * 800, "is given twice"),
    ],
)
async def test_both_paths_refuse_the_same(query: bytes, fault: str) -> None:
    assert await told(b"/reads" + query) == Told(422, "", ("referrer", fault), None)


async def test_what_is_no_target_is_refused_before_it_is_a_read() -> None:
    for sent in (b"\0", b"\xff", "ả".encode(), b"\x7f", b"\x01"):
        assert (await told(b"/reads?referrer=https://a" + sent)).status == 400
    assert (await told(b"/reads?referrer=https://" + b"a" * 1_000_000)).status == 414
    assert (await told(b"/reads?" + b"a" * (MAX_TARGET - 7))).status == 204


async def test_parameters_that_this_release_does_not_know_are_passed_over() -> None:
    """A page of a later release may send more: its reads count here all the same."""
    for query in (
        b"later=1", b"later", b"later=1&later=2", b"later=%zz%00", b"=", b"&&", b"?",
        b"&".join(b"p%d=1" % number for number in range(500)), b"article=a2", b"referer=x",
    ):  # fmt: skip
        answer = await told(b"/reads?" + query)
        assert answer == Told(204, "counted", None, ("", "desktop", FIREFOX)), query
        answer = await told(b"/reads?" + query + b"&referrer=https://www.bing.com")
        assert answer == Told(204, "counted", None, ("search", "desktop", FIREFOX)), query


async def test_a_fragment_is_no_part_of_the_query() -> None:
    paths = BothPaths()
    for target, referrer in (
        (b"/reads?a#&referrer=https://www.bing.com", ""),
        (b"/reads?referrer=https://www.bing.com#a", "search"),
        (b"/reads?referrer=#https://www.bing.com", "direct"),
    ):
        for slow in (False, True):
            answer = await paths.read(target, slow=slow)
            assert answer == Told(204, "counted", None, (referrer, "desktop", FIREFOX))
    assert paths.fast == 0


async def test_the_body_has_no_referrer() -> None:
    paths = BothPaths()
    for slow in (False, True):
        body = {"article": "a1", "referrer": "https://a"}
        answer = await paths.read(b"/reads", slow=slow, body=body)
        assert answer == Told(422, "", ("referrer", "is not a field of a read"), None)
