"""The collectors of our own, and what a registry shows."""

from prometheus_client import generate_latest

from luotdoc_subscriber.base import metrics
from services.counter.metrics import CounterMetrics
from services.ingest.metrics import IngestMetrics
from services.render.metrics import RenderMetrics
from services.stats.metrics import StatsMetrics
from shared.base.collectors import Latency, Measured


def shown(registry: metrics.Registry) -> list[str]:
    """The samples of our metrics."""
    lines = generate_latest(registry).decode().splitlines()
    return [line for line in lines if line.startswith("luotdoc_")]


def test_a_gauge_that_was_not_measured_has_no_sample() -> None:
    registry = metrics.new_registry()
    gauge = Measured("luotdoc_test_bytes", "Test.", registry)
    assert shown(registry) == []
    assert b"# TYPE luotdoc_test_bytes gauge" in generate_latest(registry)
    gauge.set(0)
    assert shown(registry) == ["luotdoc_test_bytes 0.0"]
    gauge.set(None)
    assert shown(registry) == []
    gauge.read(lambda: 7)
    assert shown(registry) == ["luotdoc_test_bytes 7.0"]


def test_a_latency_is_in_its_bucket_and_in_all_above() -> None:
    registry = metrics.new_registry()
    observe = Latency("luotdoc_test_seconds", "Test.", (0.1, 1), registry).observer()
    for seconds in (0.05, 0.1, 0.5, 2):
        observe(seconds)
    assert shown(registry) == [
        'luotdoc_test_seconds_bucket{le="0.1"} 2.0',
        'luotdoc_test_seconds_bucket{le="1.0"} 3.0',
        'luotdoc_test_seconds_bucket{le="+Inf"} 4.0',
        "luotdoc_test_seconds_count 4.0",
        "luotdoc_test_seconds_sum 2.65",
    ]


def test_a_latency_by_kind_is_there_from_the_start() -> None:
    registry = metrics.new_registry()
    latency = Latency("luotdoc_test_seconds", "Test.", (1,), registry, "kind", ("page", "list"))
    latency.observer("list")(3)
    assert [line for line in shown(registry) if "_count" in line] == [
        'luotdoc_test_seconds_count{kind="page"} 0.0',
        'luotdoc_test_seconds_count{kind="list"} 1.0',
    ]


def test_what_a_process_does_not_measure_it_does_not_show() -> None:
    registry = metrics.new_registry()
    CounterMetrics(registry)
    text = generate_latest(registry).decode()
    assert "luotdoc_flushes_total" in text
    assert "process_cpu_seconds_total" in text
    for foreign in (
        "luotdoc_reads_total",
        "luotdoc_books",
        "luotdoc_pages",
        "luotdoc_consumed",
        "_created",
    ):
        assert foreign not in text


def test_series_of_a_closed_set_are_there_from_the_start_and_a_gauge_without_a_value_is_not() -> (
    None
):
    registry = metrics.new_registry()
    IngestMetrics(registry)
    RenderMetrics(registry, ["thoi-su"])
    StatsMetrics(registry)
    lines = shown(registry)
    assert 'luotdoc_reads_total{class="reader",outcome="unavailable"} 0.0' in lines
    assert 'luotdoc_pages_total{kind="article",section="other",status="200"} 0.0' in lines
    assert 'luotdoc_pages_total{kind="error",section="",status="503"} 0.0' in lines
    assert not [
        line
        for line in lines
        if line.startswith(("luotdoc_books", "luotdoc_spool_bytes", "luotdoc_outbox_w"))
    ]
