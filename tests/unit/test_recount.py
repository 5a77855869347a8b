"""A recount's pure parts, by hand: judging again, moves and batches, plans, re-labelling."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from luotdoc_subscriber.base.errors import Refused
from services.counter.recount import judging
from services.counter.recount.correcting import by_article, by_class, moves_of, parts, sources_of
from services.counter.recount.judging import Changes, Judge
from services.counter.recount.plan import Reach, RecountPlan, first_quarter
from services.counter.recount.relabel import chosen_classes, relabelled
from services.counter.recount.seen import MAX_SEQUENCE, SeenBatches
from shared.rabbit.batch import Batch, Group, Move, Source, batch_id
from shared.rabbit.batch_agents import NotedReads, agent_id
from shared.storage.counts import SITE

Q = 1_994_928
START = Q * 900
PERSON, ROBOT = (agent_id(text, "mobile") for text in ("person", "robot"))
EVE, MAX = b"eve eve ", b"max max "


def judge(first: int = Q) -> Judge:
    """One by whose rules `robot` is a bot."""
    one = Judge(lambda agent: agent == b"robot", first)
    for text, device in (("person", "mobile"), ("robot", "mobile")):
        one.tell(agent_id(text, device), text, device)
    return one


def bot(
    second: int, visitor: bytes = EVE, article: str = "a", earlier: bytes = bytes(8)
) -> NotedReads:
    """A read of class bot by a person's agent."""
    at = START + second
    return NotedReads(article, at // 900, (PERSON, ""), "bot", 1, at, visitor, earlier)


def test_a_reader_who_is_a_bot_now() -> None:
    one = judge()
    one.show(NotedReads("a", Q, (ROBOT, "search"), "reader", 3), 0)
    one.show(NotedReads("a", Q, (ROBOT, ""), "reload", 2), 0)
    one.show(NotedReads("a", Q, (PERSON, "search"), "reader", 7), 0)
    one.show(NotedReads("a", Q, (ROBOT, ""), "bot", 9), 0)
    assert one.changes.reads == {(Q, "a"): {"reader": -3, "reload": -2, "bot": 5}}
    assert one.changes.referrers == {Q: {"search": -3}}
    assert one.changes.devices == {Q: {"mobile": -3}}
    assert (one.judged, one.unknown) == (21, 0)


def test_a_bot_who_is_a_person_now_is_read_through_the_reload_window() -> None:
    one = judge()
    for second, visitor in ((0, EVE), (59, EVE), (59, MAX), (60, EVE), (119, EVE), (120, EVE)):
        one.show(bot(second, visitor), 60)
    one.show(bot(59, EVE, "b"), 60)
    assert one.changes.reads == {
        (Q, "a"): {"bot": -6, "reader": 4, "reload": 2},
        (Q, "b"): {"bot": -1, "reader": 1},
    }
    assert one.changes.devices == {Q: {"mobile": 5}}
    assert one.changes.referrers == {}  # of a bot's read it is not known


def test_after_the_turn_of_the_salt_a_visitor_is_found_under_either_hash() -> None:
    one, new = judge(), b"eve anew"
    one.show(bot(0), 60)
    one.show(bot(30, new, earlier=EVE), 60)  # a reload, under the salt of the day before
    one.show(bot(61, new, earlier=EVE), 60)  # a read
    one.show(bot(90, new, earlier=EVE), 60)  # a reload, under today's
    assert one.changes.reads[Q, "a"] == {"bot": -4, "reader": 2, "reload": 2}


def test_without_a_window_or_a_visitor_every_read_counts() -> None:
    one = judge()
    for _ in range(3):
        one.show(bot(0), 0)
        one.show(bot(0, bytes(8)), 60)
    assert one.changes.reads[Q, "a"] == {"bot": -6, "reader": 6}


def test_reads_before_the_first_quarter_only_enter_the_window() -> None:
    one = judge(Q + 1)
    one.show(bot(890), 60)
    one.show(bot(910), 60)
    one.show(NotedReads("a", Q, (ROBOT, ""), "reader"), 60)
    assert one.changes.reads == {(Q + 1, "a"): {"bot": -1, "reload": 1}}
    assert one.judged == 1


def test_a_read_of_an_agent_that_nobody_announced_keeps_its_class() -> None:
    one = judge()
    one.show(NotedReads("a", Q, (b"nobody", ""), "reader", 4), 0)
    assert (one.changes.reads, one.judged, one.unknown) == ({}, 0, 4)


def test_a_batch_whose_agents_are_malformed_keeps_its_classes() -> None:
    one = judge()
    groups: list[Group] = [("reader", "a", Q, 1, 0, 0)]
    for agents in ({"table": 5}, {"table": "", "reads": "AQ", "texts": 5}):
        batch = Batch("e1-000000000007", START * 1000, groups, agents=agents)
        one.tell_all(batch)
        one.show_all(batch)
    one.show_all(Batch("e1-000000000008", START * 1000, groups))
    assert (one.changes.reads, one.malformed) == ({}, 2)


def test_the_window_forgets_what_has_left_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "MAX_WINDOW", 3)
    one = judge()
    for second in range(0, 800, 10):
        one.show(bot(second, b"%08d" % second), 25)
        one.show(bot(second, b"%08d" % second), 25)
    assert one.changes.reads[Q, "a"] == {"bot": -160, "reader": 80, "reload": 80}
    assert one.remembered < 12


def changes(reads: dict[tuple[int, str], dict[str, int]]) -> Changes:
    found = Changes()
    for key, by in reads.items():
        found.reads[key].update(by)
    return found


def test_differences_become_as_few_moves_as_possible() -> None:
    found = moves_of(
        changes(
            {
                (Q, "b"): {"reader": 0, "bot": 0},
                (Q + 1, "a"): {"bot": -6, "reader": 4, "reload": 2},
                (Q, "a"): {"reader": -3, "reload": -2, "bot": 5},
            }
        )
    )
    assert found == [
        ("reader", "bot", "a", Q, 3), ("reload", "bot", "a", Q, 2),
        ("bot", "reader", "a", Q + 1, 4), ("bot", "reload", "a", Q + 1, 2),
    ]  # fmt: skip
    assert by_class(found) == {"reader": 1, "reload": 0, "bot": -1}
    assert by_article([*found, ("reader", "bot", "b", Q, 7)]) == [("b", -7), ("a", 1)]


def test_what_was_corrected_before_is_no_difference() -> None:
    found = changes({(Q, "a"): {"reader": -3, "bot": 3}, (Q, "b"): {"reader": -1, "bot": 1}})
    found.devices[Q]["mobile"] = -4
    found.take_back(("reader", "bot", "a", Q, 3))
    found.take_back(("reader", "bot", "c", Q, 5))  # by rules that took these for bots
    found.take_back_source((Q, {"search": -2}, {"mobile": -8}))
    assert moves_of(found) == [("reader", "bot", "b", Q, 1), ("bot", "reader", "c", Q, 5)]
    assert sources_of(found) == {Q: (Q, {"search": 2}, {"mobile": 4})}


def test_a_quarter_s_sources_come_with_the_last_of_its_moves() -> None:
    moves: list[Move] = [
        ("reader", "bot", article, quarter, 1) for quarter in (Q, Q + 1, Q + 2) for article in "abc"
    ]
    sources: dict[int, Source] = {
        quarter: (quarter, {}, {"mobile": -3}) for quarter in (Q, Q + 1, Q + 2)
    }
    found = [*parts(moves, sources, most=4)]
    assert [len(some) for some, _ in found] == [4, 4, 1]
    assert [[source[0] - Q for source in some] for _, some in found] == [[0], [1], [2]]
    assert [each[1] for each in parts(moves[:3], {Q: sources[Q]}, most=3)] == [[sources[Q]]]


def test_sources_of_a_quarter_without_moves_are_corrected_too() -> None:
    """Another reader is a bot now than by the rules before: as many, who came from elsewhere."""
    found = changes({(Q, "a"): {"reader": -1, "bot": 1}})
    found.referrers[Q]["direct"] = found.devices[Q]["desktop"] = -1
    found.take_back(("reader", "bot", "a", Q, 1))
    found.take_back_source((Q, {"search": -1}, {"mobile": -1}))
    sources = sources_of(found)
    changed: Source = (Q, {"direct": -1, "search": 1}, {"desktop": -1, "mobile": 1})
    assert (moves_of(found), sources) == ([], {Q: changed})
    assert [*parts([], sources)] == [([], [changed])]
    moves: list[Move] = [("reader", "bot", article, Q + 1, 1) for article in "ab"]
    assert [*parts(moves, sources, most=1)] == [(moves[:1], []), (moves[1:], [changed])]
    assert [*parts([], {})] == []


REACH = Reach(first=0, first_batch="e1-0", last=99, quarter=Q)
PLAN = RecountPlan(
    number=1, token="t", made_at=datetime(2026, 11, 23, tzinfo=UTC),
    reach=replace(REACH, quarter=Q - 9), rules="r", batches=2,
)  # fmt: skip


@pytest.mark.parametrize(
    ("reach", "before", "oldest", "quarter"),
    [
        (REACH, None, 0, Q),  # the whole stream, from the beginning
        (REACH, PLAN, 0, Q - 9),  # nothing has left it since
        (replace(REACH, first=5), None, 0, Q + 3),
        (replace(REACH, first=5), PLAN, 0, Q + 3),
        (replace(REACH, first_batch="e2-0"), PLAN, 0, Q + 3),  # another stream of this name
        (REACH, None, Q + 50, Q + 50),  # the ledger has forgotten more than the stream
    ],
)
def test_the_first_quarter_to_judge_is_one_that_is_whole(
    reach: Reach, before: RecountPlan | None, oldest: int, quarter: int
) -> None:
    assert first_quarter(reach, before, Q + 3, oldest) == quarter


def test_a_correcting_batch_has_the_id_of_its_place_in_the_plan() -> None:
    moves: list[Move] = [("reader", "bot", "a", Q, 1)]
    ids = {
        plan.batch(number, 7, moves, []).batch_id
        for plan in (PLAN, replace(PLAN, rules="other"), replace(PLAN, token="u"))
        for number in (0, 1, 0)
    }
    assert len(ids) == 6
    assert all(name[0] == "h" and len(name) == 65 for name in ids)


def test_each_batch_is_seen_once() -> None:
    seen = SeenBatches()
    names = [
        *(batch_id(epoch, n) for n in (0, 1, 9_000, 70_000, 3) for epoch in ("e1", "e2")),
        batch_id("e1", MAX_SEQUENCE), batch_id("e1", 10**12 - 1), "h" + "0" * 64,
    ]  # fmt: skip
    assert all(seen.add(name) for name in names)
    assert not any(seen.add(name) for name in names)


def test_kept_reads_of_a_class_are_re_labelled() -> None:
    found = Changes()
    kept = [("a", Q, 3), ("b", Q, 2), (SITE, Q, 9), (SITE, Q, 1), ("a", Q + 1, 4), (SITE, Q + 1, 4)]
    relabelled(found, "other", "prefetch", kept)
    assert found.reads == {
        (Q, "a"): Counter({"prefetch": 3, "other": -3}),
        (Q, "b"): Counter({"prefetch": 2, "other": -2}),
        (Q, ""): Counter({"prefetch": 5, "other": -5}),  # of no article that is known
        (Q + 1, "a"): Counter({"prefetch": 4, "other": -4}),
    }


def test_classes_to_re_label_are_of_filtered_reads() -> None:
    assert chosen_classes("other=bot") == ("other", "bot")
    wrong = ("", "bot", "bot=", "bot=bot", "=bot", "reader=bot", "bot=reader", "bot=robot", "B=bot")
    for text in wrong:
        with pytest.raises(Refused):
            chosen_classes(text)
