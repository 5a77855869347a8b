"""The metrics of ingest, by the group that `app.py` makes and passes on."""

from prometheus_client import Counter, Gauge, Histogram

from luotdoc_subscriber.base.metrics import SECONDS, SIZES, Registry
from shared.base.collectors import Latency, Measured


class IngestMetrics:
    """Metrics of ingest: articles, reads and the spool."""

    CLASSES = ("reader", "batch")
    OUTCOMES = (
        "counted",
        "reload",
        "bot",
        "prefetch",
        "origin",
        "limit",
        "unknown",
        "invalid",
        "unavailable",
    )

    def __init__(self, registry: Registry) -> None:
        self._of_articles(registry)
        self._of_reads(registry)
        self._of_spool(registry)
        self.tokens = Counter(
            "luotdoc_tokens_total",
            "Requests with a token, by outcome: right, wrong, slowed (wrong too often, answered "
            "429).",
            ["outcome"],
            registry=registry,
        )
        for outcome in ("right", "wrong", "slowed"):
            self.tokens.labels(outcome)

    def _of_articles(self, registry: Registry) -> None:
        self.outbox_waiting = Measured(
            "luotdoc_outbox_waiting",
            "Events in the outbox: committed, not yet confirmed by RabbitMQ.",
            registry,
        )
        self.outbox_oldest = Measured(
            "luotdoc_outbox_oldest_seconds",
            "Age of the oldest event in the outbox, 0 if it is empty.",
            registry,
        )
        self.outbox_failures = Counter(
            "luotdoc_outbox_failures_total",
            "Rounds of the relay that failed and are repeated.",
            registry=registry,
        )
        self.differences = Gauge(
            "luotdoc_reconciliation_differences",
            "Articles whose state at a subscriber is wrong, by kind: missing, stale, extra; as of "
            "luotdoc_reconciliation_as_of_seconds.",
            ["subscriber", "kind"],
            registry=registry,
        )
        self.compared_at = Gauge(
            "luotdoc_reconciliation_as_of_seconds",
            "Unix time of the last comparison of a subscriber with the articles; "
            "before the first one, the time at "
            "which this process began to compare.",
            ["subscriber"],
            registry=registry,
        )

    # Long because each metric is declared with its meaning.
    def _of_reads(self, registry: Registry) -> None:
        self.reads = Counter(
            "luotdoc_reads_total",
            "Reads answered, by class: reader (from a page) or batch (POST "
            "/reads/batch, repeated requests included), "
            "and by outcome: counted, reload, bot, prefetch, origin, limit, unknown, "
            "invalid, unavailable. A request "
            "to POST /reads/batch that is refused counts as one.",
            ["class", "outcome"],
            registry=registry,
        )
        for kind in self.CLASSES:
            for outcome in self.OUTCOMES:
                self.reads.labels(kind, outcome)
        self.reads_in_flight = Measured(
            "luotdoc_reads_in_flight",
            "Page reads in flight: being checked, or waiting to be durable.",
            registry,
        )
        self.read_answered = Latency(
            "luotdoc_read_seconds",
            "Seconds to answer a page read, whatever the status.",
            SECONDS,
            registry,
        ).observer()
        self.batches = Counter(
            "luotdoc_read_batches_total",
            "Batches made durable, by way: confirmed (by RabbitMQ) or spooled (on local disk).",
            ["way"],
            registry=registry,
        )
        for way in ("confirmed", "spooled"):
            self.batches.labels(way)
        self.batch_size = Histogram(
            "luotdoc_read_batch_size", "Reads in a batch.", buckets=SIZES, registry=registry
        )
        self.confirm_seconds = Histogram(
            "luotdoc_read_confirm_seconds",
            "Seconds from publishing a batch to its publisher confirm.",
            buckets=SECONDS,
            registry=registry,
        )
        self.known = Measured(
            "luotdoc_known_articles",
            "Public articles whose ids the beacon holds in memory.",
            registry,
        )

    def _of_spool(self, registry: Registry) -> None:
        self.spool_bytes = Measured(
            "luotdoc_spool_bytes",
            "Bytes of batches in the spool, on local disk, that wait for RabbitMQ.",
            registry,
        )
        self.spool_oldest = Measured(
            "luotdoc_spool_oldest_seconds",
            "Age of the oldest batch in the spool, 0 if it is empty.",
            registry,
        )
        self.spool_usable = Measured(
            "luotdoc_spool_usable",
            "1 while the spool can be written; at 0 a read is durable only once "
            "RabbitMQ has confirmed it.",
            registry,
        )
        self.spool_beside = Measured(
            "luotdoc_spool_beside_bytes",
            "Bytes in the spools of other instances in the same directory, orphaned if "
            "the instance doesn't run.",
            registry,
        )
        self.spool_forwarded = Counter(
            "luotdoc_spool_forwarded_total",
            "Batches from the spool that RabbitMQ has confirmed.",
            registry=registry,
        )
