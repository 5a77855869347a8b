"""Frames of live figures: what is new since a version, and ids."""

from typing import Any

import orjson
import pytest

from services.stats.live.frames import EVERYTHING, MOST_CHANGED, LiveFigures, SiteNow


def site(total: int, today: int = 1, as_of: str = "t", **more: Any) -> SiteNow:
    return SiteNow(total, periods(today), None, as_of, **more)


def periods(today: int) -> dict[str, int]:
    return {"today": today, "yesterday": 2, "week": 3, "month": 4, "year": 5}


def figures() -> LiveFigures:
    """Of process `ab1`: in version 1 the site has 10 reads, a1 7 + 3 and a2 5."""
    one = LiveFigures("ab1")
    one.note_site(site(10))
    one.know("a1", 7, 0)
    one.know("a2", 0, 5)
    one.note("a1", 3)
    assert one.turn()
    return one


def told(frame: bytes) -> tuple[str, dict[str, Any]]:
    """The id and the data of a frame."""
    first, second, *rest = frame.decode().split("\n")
    assert rest == ["", ""], "a blank line ends an event"
    return first.removeprefix("id: "), orjson.loads(second.removeprefix("data: "))


SITE = {"total": 10, **periods(1), "online": None, "as_of": "t"}


def test_a_new_listener_gets_the_site_and_its_articles_whole() -> None:
    one = figures()
    whole = one.frame(("a1", "a2", "unknown"), EVERYTHING)
    assert told(whole) == ("ab1-1", {"site": SITE, "articles": {"a1": 10, "a2": 5}})
    assert told(one.frame((), EVERYTHING)) == ("ab1-1", {"site": SITE, "articles": {"a1": 10}})


def test_a_frame_has_only_what_is_newer_and_only_the_newest() -> None:
    one = figures()
    for reads in (4, 5, 6):
        one.note("a1", reads)
        assert one.turn()
    assert told(one.frame(("a1", "a2"), 1)) == ("ab1-4", {"articles": {"a1": 13}})
    assert told(one.frame(("a2",), 1)) == ("ab1-4", {})
    one.note_site(site(13, 4, "later"))
    one.turn()
    later = {"total": 13, **periods(4), "online": None, "as_of": "later"}
    assert told(one.frame(("a1",), 4)) == ("ab1-5", {"site": later})


def test_there_is_news_of_a_version_for_those_whom_it_concerns() -> None:
    one = figures()
    assert not one.turn()
    one.note("a1", 4)
    assert one.turn()
    assert one.has_news(("a1",), 1, site=False)
    assert one.has_news((), 1, site=False)
    assert not one.has_news(("a2",), 1, site=True)
    assert not one.has_news(("a1",), 2, site=True)
    one.note_site(site(11))
    assert one.turn()
    assert one.has_news(("a2",), 2, site=True)
    assert not one.has_news(("a2",), 2, site=False)


def test_no_count_goes_down_but_in_a_new_generation() -> None:
    one = figures()
    one.note("a1", 2)
    one.note_site(site(9))
    one.know("a1", 7, 2)
    assert not one.turn()
    one.note("a1", 2, generation=1)
    one.note("a1", 9)
    one.note_site(site(9, generation=1))
    one.note_site(site(12))
    assert one.turn()
    assert told(one.frame(("a1",), 1)) == (
        "ab1-2",
        {
            "site": {**SITE, "total": 9, "generation": 1},
            "articles": {"a1": 9},
            "generations": {"a1": 1},
        },
    )


def test_a_baseline_that_an_editor_lowers_does_not_hold_the_site_s_figures() -> None:
    one = figures()
    one.note_site(site(110, baseline=100))
    assert one.turn()
    one.note_site(site(61, 2, baseline=50))
    one.note_site(site(160, 1, baseline=150))  # older: with fewer counted reads
    assert one.turn()
    assert told(one.frame(("a2",), 2)) == ("ab1-3", {"site": {**SITE, "total": 61, "today": 2}})


def test_figures_of_a_later_moment_alone_are_no_news() -> None:
    one = figures()
    one.note_site(site(10, as_of="later"))
    assert not one.turn()
    assert told(one.frame(("a2",), EVERYTHING))[1]["site"]["as_of"] == "later"


def test_what_is_first_read_from_the_database_is_no_change_and_a_baseline_is() -> None:
    one = figures()
    one.know("a3", 1, 1)
    assert not one.turn()
    assert told(one.frame((), 0)) == ("ab1-1", {"site": SITE, "articles": {"a1": 10}})
    assert told(one.frame(("a3",), EVERYTHING))[1]["articles"] == {"a3": 2}
    one.know("a3", 5, 1)
    assert one.turn()
    assert told(one.frame(("a3",), 1)) == ("ab1-2", {"articles": {"a3": 6}})
    one.know("a3", 5, 3)  # an event was missed
    assert one.turn()
    assert told(one.frame(("a3",), 2)) == ("ab1-3", {"articles": {"a3": 8}})


def test_an_article_is_hidden_until_its_baseline_is_known() -> None:
    one = figures()
    one.note("new", 4)
    assert one.turn()
    assert one.lacking() == ["new"]
    assert not one.has_news(("new",), 1, site=False)
    assert told(one.frame((), 1)) == ("ab1-2", {})
    one.know("new", 100, 4)
    assert one.turn()
    assert one.lacking() == []
    assert told(one.frame((), 2)) == ("ab1-3", {"articles": {"new": 104}})


def test_of_many_changed_articles_a_frame_has_the_last() -> None:
    one = figures()
    for number in range(MOST_CHANGED + 5):
        one.know(f"n{number}", 0, 0)
        one.note(f"n{number}", 1)
    one.note("n0", 2)
    assert one.turn()
    _, data = told(one.frame((), 1))
    assert len(data["articles"]) == MOST_CHANGED
    assert {name: data["articles"].get(name) for name in ("n0", "n54", "n6", "n5")} == {
        "n0": 2, "n54": 1, "n6": 1, "n5": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("event_id", "version"),
    [
        (b"ab1-1", 1),
        (b"ab1-0", 0),
        (b"ab1-2", EVERYTHING),  # of the future
        (b"ab2-1", EVERYTHING),
        (None, EVERYTHING),
        (b"", EVERYTHING),
        (b"ab1-", EVERYTHING),
        (b"ab1-1\n", EVERYTHING),
        (b"ab1--1", EVERYTHING),
        (b"ab1-" + b"9" * 5000, EVERYTHING),
        ("ab1-\u0661".encode(), EVERYTHING),
        (b"\xff\0", EVERYTHING),
    ],
)
def test_an_id_of_this_process_says_what_a_client_has(event_id: bytes | None, version: int) -> None:
    assert figures().version_of(event_id) == version
