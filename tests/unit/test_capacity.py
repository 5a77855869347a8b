"""The plan of a portal's size: numbers by hand, from costs by hand."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from deploy.capacity.__main__ import MEASURED
from deploy.capacity.limits import GATEWAY_INGESTS, NEXT_LIMITS, passed_by, reached_at
from deploy.capacity.measured import Cost, CostLine, MeasuredCosts, parse_costs
from deploy.capacity.page import table
from deploy.capacity.plan import Load, batches_a_second, body_bytes, committed_at_most, plan
from deploy.capacity.portals import Portal, distinct_articles
from tests.support.system import ROOT

EASY = MeasuredCosts(
    at="2026-01-01",
    commit="abc",
    ingest=Cost(read=50e-6, batch=0.0),
    counter=Cost(read=10e-6, batch=0.0),
    rabbitmq=Cost(read=0.0, batch=500e-6),
    flush=CostLine(fixed=0.1, each=0.0),
    mongod=CostLine(fixed=0.05, each=0.0),
    stats_cores=0.01,
    page=100e-6,
    article={"ingest": 0.0, "render": 0.0, "stats": 0.0, "rabbitmq": 0.0, "mongod": 0.0},
    memory={"ingest": 1e8, "counter": 1e8, "stats": 1e8, "render": 1e8},
    confirmed=1_000.0,
    ledger_entry=100.0,
    bucket=100.0,
    queued=1.5,
    wire={1: 80.0, 100: 30.0, 5_000: 15.0},
    bench_rate=10_000.0,
    bench_delay=0.6,
)
"""Round costs. One article, so that a flush's documents are few."""
ONE = Portal(reads=60_000, catalogue=1, articles_a_day=0)


def test_processes_are_planned_for_six_tenths() -> None:
    """60,000 reads/s at 50 µs are 3 cores of ingest, so 5 ingests at 0.6; each sends 200 batches a
    second, so 1,000; one queue confirms as many, and is planned for 600: two queues.
    """
    found = plan(ONE, EASY)
    assert (found.ingests, found.batches, found.queues) == (5, 1_000, 2)
    assert found.cores["ingest"] == pytest.approx(3.0)
    assert found.renders == 10  # 6 cores of pages
    assert found.cores["rabbitmq"] == pytest.approx(0.5)
    # 72 hours of 1,000 batches a second, 100 bytes each
    assert found.ledger_entries == pytest.approx(259.2e6)
    assert found.ledger_bytes == pytest.approx(25.92e9)
    # 600 s of 60,000 reads; of 60 reads in a batch each takes 35.55 bytes, and 1.5 times as much
    # on RabbitMQ's disk
    assert found.queue_bytes == pytest.approx(600 * 60_000 * 35.55 * 1.5, rel=1e-3)


def test_a_counter_that_flushes_too_slowly_is_not_enough() -> None:
    """A flush of 2 s takes 50,000 reads: 25,000 a second, of which 15,000 are planned for."""
    found = plan(ONE, replace(EASY, flush=CostLine(fixed=2.0, each=0.0)))
    assert found.counters == 4
    load = Load(ONE, 15_000, 250, 5)
    assert committed_at_most(EASY, load) == pytest.approx(50_000 / 0.1)
    # 1,000 small batches fill the prefetch before the pause ends
    lone = Load(ONE, 5_000, 5_000, 5)
    assert committed_at_most(EASY, lone) == pytest.approx(1_000 / 0.5)


@pytest.mark.parametrize(
    ("reads", "ingests", "batches"),
    [
        (10_000, 2, 400),  # one each 5 ms and ingest
        (100, 2, 100),  # every read is alone
        (1e-9, 2, 2),  # an empty one a second and ingest
        (1, 1, 1 / (1 - 0.36788)),  # a second without a read has probability 1/e
    ],
)
def test_batches(reads: float, ingests: int, batches: float) -> None:
    assert batches_a_second(reads, ingests) == pytest.approx(batches, rel=1e-4)


def test_reads_spread_over_articles() -> None:
    assert distinct_articles(1, 1_000) == pytest.approx(1.0)
    assert distinct_articles(1_000_000, 0.01) == pytest.approx(0.01, rel=0.01)
    assert distinct_articles(1_000, 1e9) == pytest.approx(1_000)
    # Two articles, one read twice as often: 3 reads leave out the first in 1/27 of all cases, the
    # second in 8/27. Poisson arrivals: exp(-2) and exp(-1).
    assert distinct_articles(2, 3) == pytest.approx(2 - 0.1353 - 0.3679, rel=0.06)


def test_a_batch_s_bytes_lie_between_the_measured_sizes() -> None:
    assert [body_bytes(EASY, size) for size in (0.3, 1, 100, 5_000, 9_999)] == [80, 80, 30, 15, 15]
    assert body_bytes(EASY, 10) == pytest.approx(55)


def test_limits_are_found() -> None:
    """At 50 µs and 0.6 an ingest carries 12,000 reads/s: the gateway's 20 end at 240,000, the
    queue's 600 batches a second at 3 ingests: 36,000.
    """
    at = {limit.name.split(":")[0]: reached_at(limit, EASY) for limit in NEXT_LIMITS}
    assert at["gateway"] == pytest.approx(240_000, rel=0.03)
    assert at["queue"] == pytest.approx(36_000, rel=0.03)
    assert at["flush"] == 1e9  # a flush of 0.1 s never takes 1
    assert [limit.name for limit in passed_by(plan(ONE, EASY))] == ["queue: one `counter.reads`"]


def test_the_gateway_has_so_many_servers() -> None:
    servers = (ROOT / "deploy/k8s/components/gateway/servers.cfg").read_text()
    assert len(re.findall(r"^ +server ingest-", servers, re.MULTILINE)) == GATEWAY_INGESTS


def _document() -> dict[str, Any]:
    return dict(json.loads(MEASURED.read_text()))


def test_the_committed_costs_are_read() -> None:
    assert parse_costs(_document()).ingest.read > 0


def test_a_missing_figure_is_named() -> None:
    document = _document()
    document["figures"] = [f for f in document["figures"] if "ledger entry" not in f["name"]]
    with pytest.raises(ValueError, match="'freshness, reads per ledger entry'"):
        parse_costs(document)


def _with(document: dict[str, Any], **values: float) -> dict[str, Any]:
    """The document with other values for figures, by the end of their names."""
    names = {name.replace("_", " "): value for name, value in values.items()}
    for figure in document["figures"]:
        for end, value in names.items():
            if f"{figure['measure']} {figure['name']}".endswith(end):
                figure["reached"] = value
    return document


def test_costs_are_split_into_reads_and_batches() -> None:
    """360 µs alone in a batch and 30 µs with 60 in one: b + r = 360 and b/60 + r = 30."""
    document = _with(_document(), reads_per_ledger_entry=60, CPU_of_ingest=30)
    for figure in document["figures"]:
        if figure["name"] == "100 reads a second: reads per ledger entry":
            figure["reached"] = 1.0
        if figure["name"] == "100 reads a second: CPU of ingest":
            figure["reached"] = 360.0
    found = parse_costs(document).ingest
    assert found.batch == pytest.approx(330e-6 * 60 / 59)
    assert found.read == pytest.approx(360e-6 - 330e-6 * 60 / 59)


def test_noise_never_makes_a_cost_negative() -> None:
    document = _document()
    for figure in document["figures"]:
        if figure["name"] == "100 reads a second: CPU of ingest":
            figure["reached"] = 1.0  # a lone read cheaper than one of many
        if (figure["measure"], figure["name"]) == ("counter", "CPU of mongod"):
            figure["reached"] = 1e-6  # a large flush cheaper than a small one
    found = parse_costs(document)
    assert (found.ingest.batch, found.mongod.each) == (0.0, 0.0)
    assert found.ingest.read > 1e-6
    assert found.mongod.fixed > 1e-3


def test_a_table_is_markdown() -> None:
    assert table(("a", "b"), [("x", "1")]) == ["| a | b |", "|---|---:|", "| x | 1 |"]
