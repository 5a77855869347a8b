"""What a subscriber holds against what is."""

import pytest

from services.ingest.articles.reconcile import (
    DIFFERENCES,
    Difference,
    compare,
    lasting,
    parse_subscribers,
)
from shared.web.state_listing import Held, read_listing


def published(name: str, revision: int) -> Held:
    return Held(name, revision, "published")


def gone(name: str, revision: int) -> Held:
    return Held(name, revision, "withdrawn")


@pytest.mark.parametrize(
    ("article", "held", "kind"),
    [
        (published("a", 3), published("a", 3), None),
        (published("a", 3), None, "missing"),
        (published("a", 3), gone("a", 2), "missing"),
        (published("a", 3), gone("a", 3), "missing"),
        (published("a", 3), published("a", 2), "stale"),
        (published("a", 3), published("a", 4), "extra"),
        (gone("a", 3), gone("a", 3), None),
        (gone("a", 3), None, None),
        (
            gone("a", 3),
            gone("a", 2),
            None,
        ),  # edited while it waits to be published again: nobody is told
        (gone("a", 3), Held("a", 3, "rescheduled"), None),
        (gone("a", 3), published("a", 2), "extra"),
        (gone("a", 3), gone("a", 4), "extra"),
        (None, published("a", 1), "extra"),
        (None, gone("a", 1), "extra"),
    ],
)
def test_each_kind_of_difference(article: Held | None, held: Held | None, kind: str | None) -> None:
    found = list(compare([article] if article else [], [held] if held else []))
    assert [each.kind for each in found] == ([kind] if kind else [])


def test_both_sides_are_told_apart_by_id() -> None:
    found = list(
        compare([published("a", 1), published("c", 2)], [published("b", 5), published("c", 1)])
    )
    assert found == [
        Difference("a", "missing", wanted=1, held=0),
        Difference("b", "extra", wanted=0, held=5),
        Difference("c", "stale", wanted=2, held=1),
    ]


def test_a_difference_is_a_line_for_people() -> None:
    assert DIFFERENCES == ("missing", "stale", "extra")
    assert str(Difference("a", "missing", wanted=1, held=0)) == (
        "missing  a                                revision -, articles 1"
    )
    assert str(Difference("a" * 32, "extra", wanted=0, held=5)) == (
        f"extra    {'a' * 32} revision 5, articles -"
    )


def test_a_difference_counts_when_it_stays() -> None:
    first = [
        Difference("a", "stale", 5, 4),
        Difference("b", "missing", 1, 0),
        Difference("c", "extra", 0, 1),
    ]
    assert lasting(first, []) == []
    # The articles went on; what was missing then has arrived.
    assert lasting(first, [Difference("a", "stale", 9, 5)]) == []
    assert lasting(first, [Difference("a", "stale", 9, 4)]) == [Difference("a", "stale", 9, 4)]
    assert lasting(first, [Difference("d", "missing", 1, 0)]) == []
    assert lasting(first, first) == first


def test_what_goes_on_meanwhile_is_not_there_too_long() -> None:
    """Withdrawn, published and withdrawn again while the subscriber follows:
    it shows another revision each time.
    """
    first = [Difference("a", "extra", wanted=4, held=3)]
    assert lasting(first, [Difference("a", "extra", wanted=6, held=5)]) == []
    stuck = [Difference("a", "extra", wanted=6, held=3)]
    assert lasting(first, stuck) == stuck
    hidden = [Difference("a", "missing", wanted=3, held=3)]  # of the right revision, but not shown
    assert lasting(hidden, hidden) == hidden


def test_subscribers_are_named_with_their_addresses() -> None:
    text = "render=http://render/state, search=https://search.example/v1/state?key=a"
    assert parse_subscribers(text) == (
        ("render", "http://render/state"),
        ("search", "https://search.example/v1/state?key=a"),
    )
    assert parse_subscribers(" ") == ()


@pytest.mark.parametrize(
    "text",
    [
        "render",
        "render=",
        "render=ftp://x/",
        "Render=http://x/",
        "=http://x/",
        "a=http:///y",
        "search=http://search:80a/state",
        "a=http://x:65536/",
        "a=http://[::1/",
        "a=http://x/\x01",
        "a=http://xn--/",
    ],
)
def test_a_subscriber_that_cannot_be_asked_is_named(text: str) -> None:
    with pytest.raises(ValueError, match=r"^entry 1 must be name=address"):
        parse_subscribers(text)
    with pytest.raises(ValueError, match=r"^entry 2 must be name=address"):
        parse_subscribers(f"b=http://y/, {text}")


def test_a_subscriber_has_one_address() -> None:
    with pytest.raises(ValueError, match="a is given twice"):
        parse_subscribers("a=http://x/,a=http://y/")


def test_a_page_of_holdings_is_read() -> None:
    body = (
        b'{"id":"a","revision":1,"state":"published"}\n'
        b'{"id":"b","revision":2,"state":"withdrawn","more":1}\n'
    )
    assert read_listing(body) == [published("a", 1), gone("b", 2)]
    assert [held.public for held in read_listing(body)] == [True, False]
    assert read_listing(b"") == []


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b"{", "line 1: must be"),
        (b"[]", "line 1: must be"),
        (b'{"id":"a","revision":1}', "line 1: must be"),
        (b'{"id":"a","revision":"1","state":"published"}', "line 1: id and state must be texts"),
        (b'{"id":"a","revision":true,"state":"published"}', "line 1: id and state must be texts"),
        (b'{"id":1,"revision":1,"state":"published"}', "line 1: id and state must be texts"),
        (b'{"id":"a","revision":1,"state":null}', "line 1: id and state must be texts"),
        (
            b'{"id":"b","revision":1,"state":"x"}\n{"id":"a","revision":1,"state":"x"}',
            "line 2: must be sorted",
        ),
        (
            b'{"id":"a","revision":1,"state":"x"}\n{"id":"a","revision":1,"state":"x"}',
            "line 2: must be sorted",
        ),
    ],
)
def test_a_page_that_cannot_be_read_is_told_by_its_line(body: bytes, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        read_listing(body)
