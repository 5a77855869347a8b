"""What a batch says of the agents of its reads, by hand, and that an earlier counter passes over
it.
"""

from typing import Any

import orjson
import pytest

from shared.rabbit.batch import Batch, Group
from shared.rabbit.batch_agents import (
    AgentPart,
    NotedReads,
    agent_id,
    announced,
    noted,
    window_of,
)
from shared.rabbit.batch_parsing import parse

QUARTER = 1_994_908
MINTED = QUARTER * 900_000 + 60_000
ONE, OTHER = agent_id("one", "mobile"), agent_id("other", "desktop")
GROUPS: list[Group] = [
    ("reader", "a", QUARTER, 2, 0, 0),
    ("reader", "b", QUARTER, 1, 0, 0),
    ("batch", "b", QUARTER, 5, 0, 0),
    ("bot", "a", QUARTER, 3, 0, 0),
    ("reload", "b", QUARTER, 4, 0, 0),
]
HASH, BEFORE = b"12345678", b"87654321"
PART = AgentPart(
    kinds=[(ONE, "search"), (OTHER, "")],
    reads=[1, 0, 2],
    reloads=[(4, 1, 3)],
    bots=[(3, 2, 60, HASH, bytes(8)), (3, 1, 899, bytes(8), BEFORE)],
    window=1800,
    texts=[("one", "mobile"), ("other", "desktop")],
)
PACKED = PART.packed()


def batch(agents: Any) -> Batch:
    """The batch as a recount reads it."""
    written = Batch("e1-000000000007", MINTED, GROUPS, agents=agents)
    return parse(written.headers(), written.body())


def test_reads_are_noted_with_their_agents() -> None:
    one = batch(PART.packed())
    assert [*noted(one)] == [
        NotedReads("a", QUARTER, (ONE, "search"), "reader"),
        NotedReads("b", QUARTER, (OTHER, ""), "reader"),
        NotedReads("b", QUARTER, (ONE, "search"), "reload", 3),
        NotedReads("a", QUARTER, (OTHER, ""), "bot", 1, QUARTER * 900 + 60, HASH),
        NotedReads("a", QUARTER, (ONE, "search"), "bot", 1, QUARTER * 900 + 899, bytes(8), BEFORE),
    ]
    assert [*announced(one)] == [(ONE, "one", "mobile"), (OTHER, "other", "desktop")]
    assert window_of(one) == 1800


def test_a_class_of_device_that_is_not_known_here_is_another_one() -> None:
    one = batch(AgentPart(texts=[("one", "watch")]).packed())
    assert [*announced(one)] == [(agent_id("one", "watch"), "one", "other")]


def test_of_readers_alone_a_batch_says_little() -> None:
    part = AgentPart(kinds=[(ONE, "search")], reads=[1, 1, 1]).packed()
    assert part == {"table": "".join([part["table"]]), "reads": "AQEB"}
    assert len(part["table"]) == 10
    assert (window_of(batch(part)), [*announced(batch(part))]) == (0, [])


def test_many_kinds_take_two_bytes_each() -> None:
    kinds = [(agent_id(str(n), "mobile"), "direct") for n in range(300)]
    groups: list[Group] = [("reader", "a", QUARTER, 300, 0, 0)]
    part = AgentPart(kinds=kinds, reads=[*range(1, 301)]).packed()
    found = noted(Batch("e1-000000000007", MINTED, groups, agents=part))
    assert [read.kind for read in found] == kinds


def test_a_batch_without_agents_notes_nothing() -> None:
    one = batch(None)
    assert ([*noted(one)], [*announced(one)], window_of(one)) == ([], [], 0)
    assert b"agents" not in one.body()


@pytest.mark.parametrize("agents", [5, "x", [], {}, {"table": 5}, {"table": {"a": []}}])
def test_the_counter_takes_a_batch_with_odd_agents_and_a_recount_says_no(agents: Any) -> None:
    one = batch(agents)
    assert (one.reads, one.groups) == (8, GROUPS)
    with pytest.raises(ValueError, match="agents is "):
        [*noted(one)]


@pytest.mark.parametrize(
    "changed",
    [
        {"reads": "AQ"},  # of one read, of three
        {"reads": "AQEBAQ"},
        {"reads": "AwEB"},  # the third kind, of two
        {"table": "AAAA"},  # 3 bytes
        {"reloads": "AAA"},
        {"bots": 5},
        {"bots": "AAAAAQAAAAAAAAAAAAA"},  # of the group 0, which are readers
        {"reloads": "//8AAQAAAAE"},  # of no group
        AgentPart(reloads=[(4, 1, 5)]).packed() | {"table": PACKED["table"]},  # of four
        AgentPart(reloads=[(4, 1, 3), (4, 2, 2)]).packed() | {"table": PACKED["table"]},
        AgentPart(bots=[(3, 1, 60, HASH, HASH)] * 4).packed() | {"table": PACKED["table"]},
        AgentPart(bots=[(3, 1, 900, HASH, HASH)]).packed() | {"table": PACKED["table"]},
        {"window": -1},
        {"window": "x"},
        {"texts": [["one"]]},
        {"texts": [[1, 2]]},
    ],
)
def test_a_part_that_is_not_of_its_batch_is_refused(changed: dict[str, Any]) -> None:
    one = batch(PART.packed() | changed)
    with pytest.raises(ValueError):  # noqa: PT011  (binascii's errors have texts of their own)
        [*noted(one), *announced(one), window_of(one)]


def test_the_body_is_the_same_after_a_spool() -> None:
    written = Batch("e1-000000000007", MINTED, GROUPS, agents=PART.packed())
    assert parse(written.headers(), written.body()).body() == written.body()
    assert orjson.loads(written.body())["agents"]["window"] == 1800
