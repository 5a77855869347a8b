"""What a reader's browser may send."""

import asyncio
import json
from typing import cast

import pytest

from services.ingest.reads.agents import Agent
from services.ingest.reads.batcher import Batcher
from services.ingest.reads.beacon import Beacon
from services.ingest.reads.grouping import ReadSource
from services.ingest.reads.known import KnownArticles
from services.ingest.reads.read_request import article_of, checked_article
from services.ingest.reads.visitors import visitor
from shared.base.errors import Problem, Unavailable
from shared.web.addresses import Addresses
from shared.web.fastpath import FastRequest
from tests.support.beacon import make_beacon


def fault(body: bytes) -> tuple[str, str]:
    """The field that is named, and what is said of it."""
    with pytest.raises(Problem) as problem:
        article_of(body)
    assert problem.value.status == 422
    ((path, message),) = [(error["path"], error["message"]) for error in problem.value.errors]
    return path, message


@pytest.mark.parametrize("article", ["a", "0", "ls0001", "z" * 32])
def test_a_read_names_its_article(article: str) -> None:
    body = json.dumps({"article": article}).encode()
    assert article_of(body) == article_of(body) == article
    assert article_of(body + b" " * 500) == article  # too long for the cache
    assert checked_article(article) == article


@pytest.mark.parametrize(
    "article",
    ["", "A", "ls-1", "z" * 33, "bài", "a b", "a\n", "a\0", "../a", 1, None, True, ["a"], {"a": 1}],
)
def test_an_article_is_an_id(article: object) -> None:
    assert fault(json.dumps({"article": article}).encode()) == (
        "article",
        "must be 1-32 of a-z and 0-9",
    )


@pytest.mark.parametrize(
    "body", [b"", b"{", b"article=a", b"\xff", b'{"article": NaN}', b'{"article": "a"} x']
)
def test_a_body_that_is_no_json_is_named(body: bytes) -> None:
    path, message = fault(body)
    assert (path, message.startswith("must be JSON: ")) == ("body", True)


@pytest.mark.parametrize("body", [b"null", b'"a"', b"[]", b"7"])
def test_a_body_that_is_no_object_is_named(body: bytes) -> None:
    assert fault(body) == ("body", 'must be an object, {"article": id}')


def test_a_missing_article_is_named() -> None:
    assert fault(b"{}") == ("article", "is missing")
    assert fault(b'{"id": "a"}') == ("article", "is missing")


def test_a_field_too_many_is_named() -> None:
    assert fault(b'{"article": "a", "at": 5}') == ("at", "is not a field of a read")
    assert fault(b'{"visitor": "x", "article": "a"}') == ("visitor", "is not a field of a read")
    assert fault(b'{"article": "a", "referrer": ""}') == ("referrer", "is not a field of a read")


# ── the fast way
# ──────────────────────────────────────────────────────────────────────────────────────────────────

ANDROID = (
    b"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
    b"Chrome/142.0 Mobile Safari/537.36"
)


class Batches:
    """Takes reads, which become durable when the test says so."""

    def __init__(self) -> None:
        self.added: list[asyncio.Future[str]] = []
        self.visitors: list[tuple[int, str]] = []
        self.reasons: list[str] = []
        self.notes: list[tuple[str | None, tuple[str, str]]] = []
        self.sources: list[tuple[str, str] | None] = []

    def add(
        self, article: str, salt_day: int, visitor: str, source: ReadSource
    ) -> asyncio.Future[str]:
        assert article == "a1"
        self.sources.append(source and source[:2])
        self.visitors.append((salt_day, visitor))
        self.added.append(asyncio.get_running_loop().create_future())
        return self.added[-1]

    def filtered(
        self,
        reason: str,
        article: str,
        agent: Agent | None = None,
        visitors: tuple[str, str] = ("", ""),
    ) -> None:
        assert article == "a1"
        self.reasons.append(reason)
        self.notes.append((agent.text if agent else None, visitors))


class Request:
    """Notes its answer."""

    def __init__(self, *headers: tuple[bytes, bytes], agent: bytes = ANDROID) -> None:
        self.headers = [(b"user-agent", agent), *headers]
        self.query, self.body, self.peer = b"", b'{"article":"a1"}', "203.0.113.7"
        self.answer = ""

    def no_content(self, head: bytes) -> None:
        assert not self.answer
        self.answer = head.split(b"\r\n")[0].decode().removeprefix("luotdoc-read: ")

    def refuse(self, error: Exception) -> None:
        assert not self.answer
        self.answer = f"{type(error).__name__}: {error}"


class Salts:
    """The salts of the day."""

    def __init__(self) -> None:
        self.now: tuple[int, bytes, bytes | None] = (20_782, b"salt", None)

    def __call__(self) -> tuple[int, bytes, bytes | None]:
        return self.now


def make(limit: int = 0, window: float = 60) -> tuple[Beacon, Batches, Salts]:
    batches, salts = Batches(), Salts()
    known = cast(KnownArticles, {"a1"})
    beacon = make_beacon(cast(Batcher, batches), known, limit=limit, window=window, salts=salts)
    return beacon, batches, salts


def taken(beacon: Beacon, *headers: tuple[bytes, bytes], agent: bytes = ANDROID) -> Request:
    request = Request(*headers, agent=agent)
    assert beacon.take(cast(FastRequest, request))
    return request


async def test_every_filtered_outcome_is_answered_at_once() -> None:
    beacon, batches, _ = make()
    assert taken(beacon, agent=b"curl/8").answer == "filtered; reason=bot"
    assert taken(beacon, (b"sec-purpose", b"prefetch")).answer == "filtered; reason=prefetch"
    assert taken(beacon, (b"sec-fetch-site", b"cross-site")).answer == "filtered; reason=origin"
    assert batches.reasons == ["bot", "prefetch", "origin"]
    assert not batches.added


async def test_what_a_recount_needs_is_noted_with_bots_and_reloads() -> None:
    beacon, batches, salts = make()
    taken(beacon, agent=b"curl/8")
    salts.now = 20_783, b"new", b"salt"
    taken(beacon, agent=b"curl/9")
    taken(beacon)
    batches.added[0].set_result("e-1")
    await asyncio.sleep(0)
    taken(beacon)  # a reload
    taken(beacon, (b"sec-purpose", b"prefetch"))
    address = Addresses(()).reader("203.0.113.7", [])
    of_today = visitor(b"salt", address, b"curl/8")
    turned = visitor(b"new", address, b"curl/9"), visitor(b"salt", address, b"curl/9")
    phone = (
        "mozilla/5.0 (linux; android 1; k) applewebkit/1 (khtml, like gecko) chrome/1 mobile "
        "safari/1"
    )
    reader = visitor(b"new", address, ANDROID)
    assert batches.notes == [
        ("curl/1", (of_today, "")), ("curl/1", turned), (phone, (reader, "")), (None, ("", "")),
    ]  # fmt: skip


async def test_without_a_window_a_bot_needs_no_visitor() -> None:
    beacon, batches, _ = make(window=0)
    taken(beacon, agent=b"curl/8")
    assert batches.notes == [("curl/1", ("", ""))]


async def test_a_reader_enters_the_window_only_once_the_read_is_durable() -> None:
    beacon, batches, _ = make()
    first, second = taken(beacon), taken(beacon)
    assert (first.answer, second.answer, len(batches.added)) == ("", "", 1)
    batches.added[0].set_exception(Unavailable("the disk is full"))
    await asyncio.sleep(0)
    assert {first.answer, second.answer} == {"Unavailable: the disk is full"}

    third, fourth = taken(beacon), taken(beacon)
    batches.added[1].set_result("e-1")
    await asyncio.sleep(0)
    assert (third.answer, fourth.answer) == ("counted", "filtered; reason=reload")
    assert taken(beacon).answer == "filtered; reason=reload"
    assert batches.reasons == ["reload", "reload"]


async def test_a_stopped_batch_is_answered_503() -> None:
    beacon, batches, _ = make()
    first = taken(beacon)
    batches.added[0].cancel()
    await asyncio.sleep(0)
    assert first.answer == "Unavailable: ingest is stopping"
    assert taken(beacon).answer == ""
    assert len(batches.added) == 2


async def test_the_steps_in_their_order() -> None:
    settings = {"limit": 60, "window": 60.0}
    names = []
    for chosen in (settings, settings | {"limit": 0}, settings | {"window": 0.0}):
        beacon, _, _ = make(int(chosen["limit"]), chosen["window"])
        names.append([step.__name__ for step in beacon.pipeline.steps])
    known, rest, last = ["known", "address"], ["signs", "bot"], ["source", "batch"]
    assert names == [
        [*known, "limit", *rest, "reload_window", *last],
        [*known, *rest, "reload_window", *last],
        [*known, "limit", *rest, *last],
    ]


async def test_one_address_with_many_browsers_meets_the_limit() -> None:
    beacon, batches, _ = make(limit=10)
    answers = [taken(beacon, agent=ANDROID + b" %d" % number).answer for number in range(12)]
    assert answers[:10] == [""] * 10
    assert answers[10:] == ["Problem: too many reads from this address, try again later"] * 2
    assert len(batches.added) == 10
    assert batches.reasons == ["limit", "limit"]


async def test_a_read_carries_its_visitor_and_the_salt_s_day() -> None:
    beacon, batches, salts = make()
    taken(beacon)
    taken(beacon, agent=ANDROID + b" other")
    salts.now = (20_783, b"tomorrow", b"salt")
    taken(beacon, agent=ANDROID + b" third")
    agents = (ANDROID, ANDROID + b" other", ANDROID + b" third")
    used = ((20_782, b"salt"), (20_782, b"salt"), (20_783, b"tomorrow"))
    address = Addresses([]).reader("203.0.113.7", [])
    hashes = [
        (day, visitor(salt, address, agent))
        for (day, salt), agent in zip(used, agents, strict=True)
    ]
    assert batches.visitors == hashes


async def test_a_private_read_counts_and_is_nobody_s() -> None:
    beacon, batches, _ = make()
    gpc = (b"sec-gpc", b"1")
    first = taken(beacon, gpc)
    assert batches.visitors == [(0, "")]
    batches.added[0].set_result("e-1")
    await asyncio.sleep(0)
    assert first.answer == "counted"
    assert taken(beacon, gpc).answer == "filtered; reason=reload"  # in memory it is known
    assert taken(beacon).answer == "filtered; reason=reload"
    assert batches.reasons == ["reload", "reload"]
    assert batches.sources == [("", "mobile")]


IPAD = b"Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 Mobile Safari/604.1"
ZALO = ANDROID + b" Zalo android/12092371 ZaloTheme/light ZaloLanguage/vi"


@pytest.mark.parametrize(
    ("query", "agent", "source"),
    [
        (b"", ANDROID, ("", "mobile")),
        (b"referrer=", ANDROID, ("direct", "mobile")),
        (b"referrer=", ZALO, ("social", "mobile")),
        (b"referrer=https%3A%2F%2Fwww.example.org", ZALO, ("site", "mobile")),
        (b"referrer=https%3A%2F%2Fwww.google.com.vn", IPAD, ("search", "tablet")),
        (b"referrer=https%3A%2F%2Felsewhere.example", IPAD, ("other", "tablet")),
    ],
)
async def test_a_read_carries_where_it_came_from_and_its_device(
    query: bytes, agent: bytes, source: tuple[str, str]
) -> None:
    beacon, batches, _ = make()
    request = Request(agent=agent)
    request.query = query
    assert beacon.take(cast(FastRequest, request))
    assert batches.sources == [source]


async def test_without_a_window_no_visitor_is_known() -> None:
    beacon, batches, _ = make(window=0)
    taken(beacon)
    assert batches.visitors == [(0, "")]


async def test_one_reader_across_the_salt_s_turn_is_counted_once() -> None:
    beacon, batches, salts = make()
    assert taken(beacon).answer == ""
    salts.now = (20_783, b"tomorrow", b"salt")
    waiting = taken(beacon)  # while the read before the turn is still on its way
    batches.added[0].set_result("e-1")
    await asyncio.sleep(0)
    assert waiting.answer == "filtered; reason=reload"
    assert taken(beacon).answer == "filtered; reason=reload"
    assert taken(beacon, agent=ANDROID + b" other").answer == ""
    assert len(batches.added) == 2
    salts.now = (20_783, b"tomorrow", None)
    assert taken(beacon).answer == ""
