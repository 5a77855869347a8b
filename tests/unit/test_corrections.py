"""Correcting batches on the wire and in the fold, by hand."""

from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest

from luotdoc_subscriber.base.errors import Permanent
from services.counter.tally import EpochSums, by_day, days_before, fold
from shared.rabbit.batch import KEYED, Batch, Group, Move
from shared.rabbit.batch_parsing import parse
from shared.rabbit.corrections import MAX_MOVES
from shared.storage.counts import SITE, DayEntry

QUARTER = 1_994_928  # 2026-11-23T12:00:00Z, quarter 48 of its day
MINTED = QUARTER * 900_000 + 60_000
NAME = "h" + "0" * 64
MOVES: list[Move] = [
    ("reader", "bot", "a", QUARTER, 5),
    ("bot", "reader", "b", QUARTER, 2),
    ("bot", "reload", "b", QUARTER, 3),
    ("limit", "other", "", QUARTER - 1, 4),
]
SOURCES = ((QUARTER, {"search": -4, "social": 1}, {"mobile": -5, "desktop": 2}),)
HEADERS = {"batch_id": NAME, "minted_at": MINTED, "reads": 0}


def correcting(moves: Any = MOVES, sources: Any = SOURCES) -> Batch:
    return Batch(NAME, MINTED, [], sources=sources, moves=moves)


def test_a_correcting_batch_comes_back_as_it_was_sent() -> None:
    one = correcting()
    assert one.headers() == HEADERS
    assert orjson.loads(one.body()).keys() == {"v", "moves", "sources"}
    found = parse(one.headers(), one.body())
    assert [tuple(move) for move in found.moves] == MOVES
    assert [tuple(source) for source in found.sources] == [*SOURCES]
    assert (found.groups, found.reads, found.place) == ([], 0, (KEYED, 0))
    assert found.body() == one.body()


@pytest.mark.parametrize(
    "moves",
    [
        None, [], 5, [[]], [5], [["reader", "bot", "a", QUARTER]],
        [["reader", "bot", "a", QUARTER, 0]], [["reader", "bot", "a", QUARTER, -1]],
        [["reader", "bot", "a", QUARTER, 1.5]], [["reader", "bot", "a", QUARTER, True]],
        [["reader", "reader", "a", QUARTER, 1]], [["reader", "robot", "a", QUARTER, 1]],
        [["Reader", "bot", "a", QUARTER, 1]], [["reader", "bot", "A", QUARTER, 1]],
        [["reader", "bot", "", QUARTER, 1]], [["bot", "reader", "", QUARTER, 1]],
        [["bot", "batch", "a", QUARTER, 1]], [["batch", "bot", "a", QUARTER, 1]],
        [["bot", "reload", "a", 0, 1]],
        [["bot", "reload", "a", QUARTER + 97, 1]], [["bot", "reload", "a", QUARTER, 1 << 41]],
        [["bot", "reload", "a", QUARTER, 1]] * (MAX_MOVES + 1), [["bot", 5, "a", QUARTER, 1]],
    ],
)  # fmt: skip
def test_moves_outside_their_bounds_are_refused(moves: Any) -> None:
    body = orjson.dumps({"v": 3, "moves": moves})
    with pytest.raises(Permanent) as found:
        parse(HEADERS, body)
    assert found.value.reason == "bad_body"


@pytest.mark.parametrize(
    "sources",
    [
        None, 5, [5], [[QUARTER, {}]], [[0, {}, {}]], [[QUARTER, 5, {}]],
        [[QUARTER, {"google": 1}, {}]], [[QUARTER, {}, {"mobile": 1.5}]],
        [[QUARTER + 97, {}, {}]], [[QUARTER, {"search": 1 << 41}, {}]], [[QUARTER, {}, {}]] * 1001,
    ],
)  # fmt: skip
def test_sources_outside_their_bounds_are_refused(sources: Any) -> None:
    body = orjson.dumps({"v": 3, "moves": MOVES, "sources": sources})
    with pytest.raises(Permanent) as found:
        parse(HEADERS, body)
    assert found.value.reason == "bad_body"


def test_a_correcting_batch_says_that_it_has_no_reads() -> None:
    with pytest.raises(Permanent, match="the header says 5"):
        parse(HEADERS | {"reads": 5}, correcting().body())


def test_a_counter_of_an_earlier_release_parks_it_and_passes_over_agents() -> None:
    before = Path(__file__).parents[1] / "cases/batch_parsing_before_sources.txt"
    names: dict[str, Any] = {}
    exec(compile(before.read_text(), before.name, "exec"), names)
    with pytest.raises(Permanent, match="a newer counter may count it"):
        names["parse"](HEADERS, correcting().body())
    groups: list[Group] = [("reader", "a", QUARTER, 1, 0, 0)]
    agents = {"table": "AAAAAAAAAA", "reads": "AQ"}
    written = Batch("e1-000000000007", MINTED, groups, agents=agents)
    assert names["parse"](written.headers(), written.body()) == Batch(
        "e1-000000000007", MINTED, groups
    )


def test_moves_take_reads_from_one_class_to_another() -> None:
    added = fold([parse(HEADERS, correcting().body())])
    assert added.reads == {"a": -5, "b": 2}
    assert added.quarters == {("a", QUARTER): -5, ("b", QUARTER): 2}
    assert added.filtered == {
        ("bot", "a", QUARTER): 5,
        ("bot", "b", QUARTER): -5,
        ("reload", "b", QUARTER): 3,
        ("limit", "", QUARTER - 1): -4,
        ("other", "", QUARTER - 1): 4,
    }
    assert added.referrers == {("search", QUARTER): -4, ("social", QUARTER): 1}
    assert added.devices == {("mobile", QUARTER): -5, ("desktop", QUARTER): 2}
    assert added.moved == {(was, now): number for was, now, _, _, number in MOVES}
    changed = {"reader": -3, "bot": 0, "reload": 3, "limit": -4, "other": 4}
    assert added.epochs == {
        KEYED: EpochSums(
            batches=1, max_seq=0, first_minted_at=MINTED, last_minted_at=MINTED, accepted=0,
            filtered=Counter({"bot": 0, "reload": 3, "limit": -4, "other": 4}),
            corrected=Counter(changed),
        )
    }  # fmt: skip
    assert sum(changed.values()) == 0


def test_the_books_stay_balanced() -> None:
    reads = Batch("e1-000000000007", MINTED, [("reader", "a", QUARTER, 9, 0, 0)])
    added = fold([reads, correcting(), correcting()])  # the second is a duplicate
    accepted = sum(sums.accepted for sums in added.epochs.values())
    filtered = sum(sums.filtered.total() for sums in added.epochs.values())
    assert (accepted, added.total, filtered, added.newly_read) == (9, 6, 3, 9)
    assert added.epochs[KEYED].duplicates == 1


def test_a_total_that_corrections_lower_gets_the_next_generation() -> None:
    reads = Batch("e1-000000000007", MINTED, [("reader", "a", QUARTER, 9, 0, 0)])
    added = fold([reads, correcting()])
    # The flush adds to the total of `a`, and yet the correction takes reads from it.
    assert added.reads["a"] == 4
    assert [added.lowers(name) for name in ("a", "b", SITE, "c")] == [True, False, True, False]
    there_and_back: list[Move] = [
        ("reader", "bot", "a", QUARTER, 1), ("bot", "reader", "a", QUARTER + 1, 1)
    ]  # fmt: skip
    added = fold([correcting(there_and_back, ())])
    assert (added.lowers("a"), added.lowers(SITE)) == (False, False)


def test_days_of_closed_time_are_marked_and_their_sums_change() -> None:
    added = fold([correcting(MOVES[:1], SOURCES)])
    assert days_before(added, QUARTER + 1) == ["2026-11-23"]
    assert days_before(added, QUARTER) == []
    of_bots = {"bot": Counter({48: 5})}
    assert by_day(added) == {
        ("a", "2026-11-23"): DayEntry(Counter({48: -5}), filtered=of_bots),
        (SITE, "2026-11-23"): DayEntry(
            Counter({48: -5}), filtered=of_bots,
            referrers={"search": Counter({48: -4}), "social": Counter({48: 1})},
            devices={"mobile": Counter({48: -5}), "desktop": Counter({48: 2})},
        ),
    }  # fmt: skip


def test_sources_may_change_alone() -> None:
    one = correcting([], SOURCES)
    found = parse(one.headers(), one.body())
    assert (found.corrects, found.moves, found.sources) == (True, [], SOURCES)
    added = fold([found])
    assert (added.total, added.filtered, added.referrers["search", QUARTER]) == (0, {}, -4)
    assert days_before(added, QUARTER + 1) == ["2026-11-23"]


@pytest.mark.parametrize("sources", [[], [[QUARTER, {}, {}]]])
def test_a_correcting_batch_that_changes_nothing_is_refused(sources: Any) -> None:
    with pytest.raises(Permanent, match="neither moves nor sources"):
        parse(HEADERS, orjson.dumps({"v": 3, "moves": [], "sources": sources}))
    groups: list[Group] = []
    assert not Batch(NAME, MINTED, groups, sources=((QUARTER, {}, {}),)).corrects
