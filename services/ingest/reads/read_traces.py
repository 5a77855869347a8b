"""Traces of a sampled share of the reads: from the request to the answer, and on with the batch.

A caller's own trace context is ignored. Anybody may send reads, and `sendBeacon` can't set headers:
the only ones who could would be strangers, who would decide what is recorded and exported.
"""

from asyncio import Future

from luotdoc_subscriber.base.tracing import Tracer
from services.ingest.reads.batcher import Batcher


class ReadTraces:
    """Begins traces of reads that have just been added to a batch."""

    def __init__(self, tracer: Tracer, batcher: Batcher) -> None:
        self._tracer, self._batcher = tracer, batcher

    def follow(self, outcome: Future[str], started: float, route: str = "POST /reads") -> None:
        """Begin a trace of the read that was added last, if it is sampled. It ends with `outcome`.

        `started` is the beginning by `time.perf_counter`. Called for each read.
        """
        span = self._tracer.draw(route, started)
        if span is None or not self._batcher.trace(span.traceparent):
            return

        def ended(outcome: Future[str]) -> None:
            if outcome.cancelled():
                span.fail("ingest is stopping")
            elif error := outcome.exception():
                span.fail(str(error))
            else:
                span.note({"luotdoc.batch": outcome.result()})
            span.end()

        outcome.add_done_callback(ended)
