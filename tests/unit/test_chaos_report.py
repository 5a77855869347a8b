"""The table of `make chaos`."""

import asyncio

import pytest

from tests.chaos.bounded import Unjudged, bounded
from tests.chaos.plan import Fault, Round
from tests.chaos.report import as_json, rows, table, verdict
from tests.chaos.run import Outcome
from tests.chaos.verdict import Verdict


def outcome(number: int, verdict: Verdict, *faults: tuple[str, str]) -> Outcome:
    planned = Round(number, 12.0, tuple(Fault(1.0, target, kind) for target, kind in faults))
    return Outcome(planned, verdict, 15.0, 0, 0, 9)


OUTCOMES = [
    outcome(
        1,
        Verdict(sent=110, acknowledged=100, unanswered=10, counted=103),
        ("ingest-1", "kill"),
        ("mongod", "kill"),
    ),
    outcome(
        2,
        Verdict(
            sent=2000, acknowledged=2000, counted=1999, batched=40, lost=1, complaints=["a: 1999"]
        ),
        ("ingest-1", "kill"),
        ("ingest-2", "kill"),
        ("services", "roll"),
    ),
]


def test_a_round_is_in_the_row_of_each_of_its_faults_once() -> None:
    found = rows(OUTCOMES)
    assert list(found) == ["kill ingest", "kill mongod", "roll services", "all rounds"]
    assert (found["kill ingest"].rounds, found["kill ingest"].counted) == (2, 2102)
    assert found["all rounds"].lost == found["roll services"].lost == 1
    assert table(OUTCOMES).splitlines() == [
        "| fault | rounds | sent | acknowledged | counted | unanswered | batched | lost | "
        "doubled |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
        "| kill ingest | 2 | 2,110 | 2,100 | 2,102 | 10 | 40 | 1 | 0 |",
        "| kill mongod | 1 | 110 | 100 | 103 | 10 | 0 | 0 | 0 |",
        "| roll services | 1 | 2,000 | 2,000 | 1,999 | 0 | 40 | 1 | 0 |",
        "| all rounds | 2 | 2,110 | 2,100 | 2,102 | 10 | 40 | 1 | 0 |",
    ]


def test_json_says_whether_all_was_exact() -> None:
    assert as_json(7, OUTCOMES[:1], [])["exact"]
    assert not as_json(7, OUTCOMES, [])["exact"]
    assert not as_json(7, OUTCOMES[:1], ["late: a1"])["exact"]
    assert as_json(7, OUTCOMES, [])["rounds"][1]["verdict"]["complaints"] == ["a: 1999"]


def test_every_run_ends_with_a_verdict_and_its_status() -> None:
    assert verdict(OUTCOMES[:1], [], "") == ("exact", 0)
    assert verdict(OUTCOMES, [], "") == ("WRONG: 1 lost, 0 doubled, 1 complaints", 1)
    assert verdict(OUTCOMES[:1], ["late: a1"], "") == ("WRONG: 0 lost, 0 doubled, 1 complaints", 1)
    assert verdict([], [], "RabbitMQ did not start") == (
        "could not judge, because RabbitMQ did not start",
        2,
    )
    assert verdict([], [], "") == ("could not judge, because there was no round", 2)
    assert verdict(OUTCOMES[:1], [], "it hung") == (
        "could not judge, because it hung (1 rounds before that were exact)", 2
    )  # fmt: skip
    words, status = verdict(OUTCOMES, [], "it hung")
    assert (status, words.startswith("WRONG: 1 lost"), words.endswith("because it hung")) == (
        1,
        True,
        True,
    )


async def test_no_wait_outlasts_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.chaos.bounded.CANCEL_SECONDS", 0.05)

    async def deaf() -> None:
        for _ in range(2):  # it is cancelled once
            try:
                await asyncio.sleep(0.2)
            except asyncio.CancelledError:
                continue

    async def fails() -> None:
        raise RuntimeError("INTERNAL_ERROR")

    with pytest.raises(Unjudged, match="the get took longer"):
        await bounded("the get", 0.01, deaf())
    with pytest.raises(Unjudged, match="round 1 failed: RuntimeError: INTERNAL_ERROR"):
        await bounded("round 1", 1, fails())
    assert await bounded("a sleep", 1, asyncio.sleep(0, 7)) == 7
