"""How ingest notes the agents of a batch's reads, by hand."""

from typing import Any

import pytest

from services.ingest.reads import agent_notes as module
from services.ingest.reads.agent_notes import AgentNotes
from services.ingest.reads.agents import Agent, agent_of
from shared.rabbit.batch import Batch, Group
from shared.rabbit.batch_agents import NotedReads, announced, noted, window_of

QUARTER = 1_994_908
PHONE = (
    b"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
    b"Chrome/142.0 Mobile Safari/537.36"
)
READER, BOT = agent_of(PHONE), agent_of(b"Googlebot/2.1")
A_BOT, A_RELOAD = ("bot", "a", QUARTER), ("reload", "a", QUARTER)


class Clock:
    seconds = 1000.0


def notes() -> AgentNotes:
    return AgentNotes(lambda: Clock.seconds, 1800)


def batch(part: Any, *groups: Group) -> Batch:
    return Batch("e1-000000000007", QUARTER * 900_000, [*groups], agents=part)


def source(agent: Agent, came_from: str = "search") -> tuple[str, str, Agent]:
    return came_from, agent.device, agent


def test_agents_of_one_shape_are_one_object() -> None:
    assert agent_of(PHONE.replace(b"142", b"141")) is READER
    assert agent_of(PHONE.replace(b"Android 10; K", b"Android 13; SM-A135F")).text != ""
    assert (READER.bot, READER.device, BOT.bot, BOT.text) == (False, "mobile", True, "googlebot/1")


def test_each_read_has_its_agent_and_filtered_ones_their_group() -> None:
    one = notes()
    one.reload(A_RELOAD, READER)
    one.reload(A_RELOAD, READER)
    one.bot(A_BOT, BOT, 7, "00112233445566ff", "")
    sources = [source(READER), None, source(READER, ""), ("search", "mobile")]
    part = one.part(sources, [A_BOT, A_RELOAD], 2)
    found = batch(
        part,
        ("reader", "a", QUARTER, 3, 0, 0), ("reader", "b", QUARTER, 1, 0, 0),
        (*A_BOT, 1, 0, 0), (*A_RELOAD, 2, 0, 0),
    )  # fmt: skip
    visitor = bytes.fromhex("00112233445566ff")
    assert [*noted(found)] == [
        NotedReads("a", QUARTER, (READER.id, "search"), "reader"),
        NotedReads("a", QUARTER, (READER.id, ""), "reader"),
        NotedReads("a", QUARTER, (READER.id, ""), "reload", 2),
        NotedReads("a", QUARTER, (BOT.id, ""), "bot", 1, QUARTER * 900 + 7, visitor),
    ]
    assert window_of(found) == 1800
    assert {text for _, text, _ in announced(found)} == {READER.text, BOT.text}
    assert one.part([], [], 0) is None  # the notes are empty again


def test_an_agent_is_announced_once_an_hour() -> None:
    one = notes()
    Clock.seconds = 1000.0
    told = []
    for seconds in (0, 1, 3599, 3600, 3601, 7300):
        Clock.seconds = 1000.0 + seconds
        part = one.part([source(READER)], [], 0)
        assert part is not None
        told.append("texts" in part)
    assert told == [True, False, False, True, False, True]


def test_made_up_agents_are_known_as_far_as_there_is_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MAX_TEXTS", 2)
    one = notes()
    agents = [agent_of(b"made-up-" + bytes([97 + n]) * 5) for n in range(3)]
    group: Group = ("reader", "a", QUARTER, 3, 0, 0)
    part = one.part([source(agent) for agent in agents], [], 0)
    assert len([*noted(batch(part, group))]) == 2
    part = one.part([source(agent) for agent in agents], [], 0)
    assert len([*noted(batch(part, group))]) == 3
    monkeypatch.setattr(module, "MAX_ANNOUNCED", 3)
    part = one.part([source(agent_of(b"made-up-four"))], [], 0)
    assert part is not None
    assert len(part["texts"]) == 1
    part = one.part([source(agents[0])], [], 0)  # forgotten, and so announced again
    assert part is not None
    assert len(part["texts"]) == 1


def test_rows_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ROWS", 2)
    one = notes()
    for article in "abc":
        for _ in range(2):
            one.reload(("reload", article, QUARTER), READER)
            one.bot(("bot", article, QUARTER), BOT, 1, "", "")
    keys = [(kind, article, QUARTER) for kind in ("reload", "bot") for article in "abc"]
    found = batch(one.part([], keys, 0), *((*key, 2, 0, 0) for key in keys))
    assert [(read.was, read.article, read.number) for read in noted(found)] == [
        ("reload", "a", 2), ("reload", "b", 2), ("bot", "a", 1), ("bot", "a", 1),
    ]  # fmt: skip


def test_without_known_agents_there_is_no_part() -> None:
    assert notes().part([None, ("search", "mobile")], [("limit", "a", QUARTER)], 1) is None
