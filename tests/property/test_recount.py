"""Whatever is read: an ingest by the old rules and a recount by the new ones count what an ingest
by the new rules counts.
"""

import asyncio
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luotdoc_subscriber.base.metrics import new_registry
from services.counter.recount.correcting import correcting_batch, moves_of, sources_of
from services.counter.recount.judging import Changes, Judge
from services.counter.tally import Increments, fold
from services.ingest.metrics import IngestMetrics
from services.ingest.reads import pipeline
from services.ingest.reads.agents import Agent
from services.ingest.reads.batcher import Batcher
from services.ingest.reads.known import KnownArticles
from services.ingest.reads.pipeline import IncomingRead, Pipeline
from shared.rabbit.batch import Batch
from shared.rabbit.batch_agents import agent_id
from shared.rabbit.batch_parsing import parse
from tests.support.beacon import make_beacon
from tests.support.delivering import DeliverInMemory
from tests.support.jumping import play

START = 1_994_928 * 900 - 120
"""Two minutes before a quarter begins, in seconds."""
TURN = 200
"""Seconds after the start at which a salt's day begins."""
WINDOW = 60
AGENTS = {"phone": "mobile", "tablet": "tablet", "computer": "desktop"}
FROM = (None, "", "https://www.google.com", "https://www.facebook.com")


@dataclass(frozen=True)
class View:
    """A view of a page, so many seconds after the view before it."""

    after: int
    agent: str
    article: str
    address: str
    referrer: str | None


VIEWS = st.lists(
    st.builds(
        View,
        after=st.sampled_from([0, 0, 1, 7, 30, 59, 60, 61]),
        agent=st.sampled_from([*AGENTS]),
        article=st.sampled_from(["a", "b"]),
        address=st.sampled_from(["203.0.113.7", "203.0.113.8"]),
        referrer=st.sampled_from(FROM),
    ),
    max_size=30,
)
RULES = st.sets(st.sampled_from([*AGENTS]))


def salts(seconds: float) -> tuple[int, bytes, bytes | None]:
    """As `Salts.at`, with the turn at `TURN`."""
    if seconds < TURN:
        return 1, b"first", None
    return 2, b"second", b"first" if seconds < TURN + WINDOW else None


def ingested(views: Sequence[View], bots: Iterable[str], window: int) -> list[Batch]:
    """The batches of an ingest by whose rules `bots` are bots, as a counter reads them."""
    sent: list[Batch] = []
    agents = {
        name.encode(): Agent(agent_id(name, device), name, device, False, name in set(bots))
        for name, device in AGENTS.items()
    }

    async def scene() -> None:
        loop, deliver = asyncio.get_running_loop(), DeliverInMemory()

        def seconds() -> float:
            return float(math.floor(loop.time() + 1e-6))  # timers are sums of fractions

        batcher = Batcher(
            epoch="e1", deliver=deliver, millis=lambda: round((START + loop.time()) * 1000),
            metrics=IngestMetrics(new_registry()), window=window,
        )  # fmt: skip
        judging = make_beacon(
            batcher, cast(KnownArticles, {"a", "b"}), window=window, entries=10_000,
            seconds=seconds, salts=lambda: salts(seconds()),
        ).pipeline  # fmt: skip
        at = 0
        for view in views:
            at += view.after
            await asyncio.sleep(max(0.0, at - loop.time()))
            read = IncomingRead(
                view.article, view.referrer, view.address, [(b"user-agent", view.agent.encode())]
            )
            outcome = judging.judge(read)
            if outcome is not None and read.reason:
                outcome.add_done_callback(partial(_note, judging, read))
        await asyncio.sleep(0.1)
        await batcher.drain()
        sent.extend(deliver.durable)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "agent_of", agents.__getitem__)
        play(scene)
    return [parse(batch.headers(), batch.body()) for batch in sent]


def _note(judging: Pipeline, read: IncomingRead, _outcome: object) -> None:
    judging.note_reload(read)


def judged(batches: Iterable[Batch], bots: Iterable[str]) -> Changes:
    """The differences by the rules by which `bots` are bots."""
    judge = Judge(lambda agent: agent.decode() in set(bots), 0)
    for batch in batches:
        judge.tell_all(batch)
    for batch in batches:
        judge.show_all(batch)
    assert (judge.unknown, judge.malformed) == (0, 0)
    return judge.changes


def corrected(number: int, changes: Changes) -> list[Batch]:
    """The correcting batch, if anything differs."""
    moves = moves_of(changes)
    sources = sources_of(changes).values()
    return [correcting_batch(["test"], number, START * 1000, moves, sources)] if moves else []


def sums(added: Increments) -> dict[str, Any]:
    """What was counted, without zeros."""
    found: dict[str, Counter[Any]] = {
        "reads": added.reads, "quarters": added.quarters, "filtered": added.filtered,
        "devices": added.devices,
    }  # fmt: skip
    return {name: {key: n for key, n in each.items() if n} for name, each in found.items()}


@settings(max_examples=60)
@given(VIEWS, RULES, RULES, RULES, st.sampled_from([0, WINDOW]))
def test_a_recount_counts_what_an_ingest_by_the_new_rules_counts(
    views: list[View], old: set[str], new: set[str], newest: set[str], window: int
) -> None:
    batches = ingested(views, old, window)
    first = corrected(1, judged(batches, new))
    expected = fold(ingested(views, new, window))
    counted = fold([*batches, *first])
    assert sums(counted) == sums(expected)
    # Of a bot's read it is not known where it came from.
    for key, number in counted.referrers.items():
        assert 0 <= number <= expected.referrers[key], key
    if old <= new:
        assert {k: n for k, n in counted.referrers.items() if n} == expected.referrers

    def again(bots: set[str]) -> Changes:
        changes = judged(batches, bots)
        for batch in first:
            for move in batch.moves:
                changes.take_back(move)
            for source in batch.sources:
                changes.take_back_source(source)
        return changes

    assert moves_of(again(new)) == []
    assert sources_of(again(new)) == {}
    second = corrected(2, again(newest))
    assert sums(fold([*batches, *first, *second])) == sums(fold(ingested(views, newest, window)))
