"""Traces of reads: what is followed, which batch they lead to, and the flush that counts it."""

import asyncio
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from opentelemetry.trace import StatusCode

from luotdoc_events.traceparent import trace_id
from luotdoc_subscriber.base.metrics import new_registry
from services.counter.batch_traces import end_batches, flushing, trace_batch
from services.ingest.metrics import IngestMetrics
from services.ingest.reads.batcher import MAX_TRACED, Batcher
from services.ingest.reads.read_traces import ReadTraces
from shared.base.errors import Unavailable
from shared.rabbit.batch import Batch
from tests.support.recorder import Recorder, id_of, links_of, parent_of

SENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    recorder = Recorder()
    yield recorder
    recorder.tracer.close()


class Taken:
    """Makes batches durable, or refuses them once."""

    def __init__(self, refuse: str = "") -> None:
        self.batches: list[Batch] = []
        self._refuse = refuse

    async def __call__(self, batch: Batch) -> None:
        if self._refuse:
            refuse, self._refuse = self._refuse, ""
            raise Unavailable(refuse)
        self.batches.append(batch)


def make(recorder: Recorder, taken: Taken) -> tuple[Batcher, ReadTraces]:
    metrics = IngestMetrics(new_registry())
    batcher = Batcher(epoch="e1", deliver=taken, millis=lambda: 1_764_000_000_000, metrics=metrics)
    return batcher, ReadTraces(recorder.tracer, batcher)


async def test_a_read_is_traced_to_its_batch(recorder: Recorder) -> None:
    taken = Taken()
    batcher, traces = make(recorder, taken)
    started = time.perf_counter() - 0.25
    outcomes = []
    for _ in range(2):
        outcomes.append(batcher.add("a1", 0, ""))
        traces.follow(outcomes[-1], started)
    (batch,) = {await outcome for outcome in outcomes}
    await asyncio.sleep(0)  # callbacks
    assert [(span.name, parent_of(span)) for span in recorder.spans] == [("POST /reads", "")] * 2
    for span in recorder.spans:
        assert span.attributes == {"luotdoc.batch": batch}
        assert span.start_time is not None
        assert span.end_time is not None
        assert 0.25 <= (span.end_time - span.start_time) / 1e9 < 10
    assert [trace[36:52] for trace in taken.batches[0].traces] == [*map(id_of, recorder.spans)]
    assert b"traces" not in taken.batches[0].body()
    await batcher.drain()


async def test_so_many_of_a_batch_are_traced_and_no_more(recorder: Recorder) -> None:
    taken = Taken()
    batcher, traces = make(recorder, taken)
    outcomes = [batcher.add("a1", 0, "")]
    for _ in range(MAX_TRACED + 5):
        traces.follow(outcomes[-1], 0.0)
        outcomes.append(batcher.add("a1", 0, ""))
    await asyncio.gather(*outcomes)
    await asyncio.sleep(0)
    assert len(recorder.spans) == len(taken.batches[0].traces) == MAX_TRACED
    await batcher.drain()


async def test_what_is_refused_is_a_failed_step(recorder: Recorder) -> None:
    batcher, traces = make(recorder, Taken("the disk is full"))
    outcome = batcher.add("a1", 0, "")
    traces.follow(outcome, 0.0)
    with pytest.raises(Unavailable):
        await outcome
    await asyncio.sleep(0)
    (span,) = recorder.spans
    assert (span.status.status_code, span.status.description) == (
        StatusCode.ERROR, "the disk is full"
    )  # fmt: skip
    await batcher.drain()


async def test_nothing_is_noted_of_a_read_that_is_not_drawn() -> None:
    recorder, taken = Recorder(0.0), Taken()
    batcher, traces = make(recorder, taken)
    outcome = batcher.add("a1", 0, "")
    traces.follow(outcome, 0.0)
    await outcome
    assert (recorder.spans, list(taken.batches[0].traces)) == ([], [])
    await batcher.drain()


def delivery(**headers: object) -> Any:
    return SimpleNamespace(headers=headers, body=b"{}", message_id="e1-0", redelivered=False)


def test_a_flush_is_linked_with_every_traced_batch(recorder: Recorder) -> None:
    sent = [SENT.replace("b7ad", f"000{n}") for n in range(3)]
    batches = [trace_batch(recorder.tracer, delivery(traceparent=each)) for each in sent]
    assert trace_batch(recorder.tracer, delivery()) is None
    assert trace_batch(recorder.tracer, delivery(traceparent="\udcff")) is None
    assert trace_batch(recorder.tracer, delivery(traceparent=f"{SENT[:-1]}0")) is None
    spans = [batch for batch in batches if batch]
    with flushing(recorder.tracer, spans) as flush:
        assert flush.traceparent[36:52] not in "".join(sent)
    flushed, *handled = recorder.spans
    assert (flushed.name, {span.name for span in handled}) == (
        "flush", {"process counter.reads"}
    )  # fmt: skip
    assert parent_of(flushed) == id_of(handled[0])
    assert links_of(flushed) == [id_of(handled[1]), id_of(handled[2])]
    assert [links_of(span) for span in handled] == [[], [id_of(flushed)], [id_of(flushed)]]
    assert [parent_of(span) for span in handled] == [each[36:52] for each in sent]
    assert {(span.attributes or {})["luotdoc.outcome"] for span in handled} == {"settled"}


def test_batches_that_come_back_are_told_so(recorder: Recorder) -> None:
    one = trace_batch(recorder.tracer, delivery(traceparent=SENT))
    assert one is not None
    with pytest.raises(TimeoutError), flushing(recorder.tracer, [one]):
        raise TimeoutError("no commit")
    flush, handled = recorder.spans
    assert flush.status.status_code is StatusCode.ERROR
    assert handled.attributes is not None
    assert handled.attributes["luotdoc.outcome"] == "failed"
    assert trace_id(one.traceparent) == trace_id(SENT)
    end_batches([], "discarded")


def test_a_flush_without_traced_batches_is_no_span(recorder: Recorder) -> None:
    with flushing(recorder.tracer, []) as flush:
        assert flush.traceparent == ""
    assert recorder.spans == []
