"""counter's metrics. `app.py` makes them once and passes them in."""

from prometheus_client import Counter, Gauge, Histogram

from luotdoc_subscriber.base.metrics import SECONDS, SIZES, Registry
from shared.base.collectors import Measured
from shared.rabbit.batch import BOT, READER, RELOAD


class CounterMetrics:
    """Metrics of counter."""

    def __init__(self, registry: Registry) -> None:
        self._of_flushes(registry)
        self._of_batches(registry)
        self.buffered = Gauge(
            "luotdoc_buffered_reads",
            "Reads folded in memory that await the next flush.",
            registry=registry,
        )
        self.slot = Measured(
            "luotdoc_slot", "Slot that this counter leases, -1 without a lease.", registry
        )

    def _of_flushes(self, registry: Registry) -> None:
        self.counted = Counter(
            "luotdoc_counted_reads_total",
            "Reads committed to MongoDB by this process.",
            registry=registry,
        )
        self.flushes = Counter(
            "luotdoc_flushes_total",
            "Flushes by outcome: committed, failed (tried again after a backoff), conflict "
            "(another writer was first; run again at once).",
            ["outcome"],
            registry=registry,
        )
        for outcome in ("committed", "failed", "conflict"):
            self.flushes.labels(outcome)
        self.flush_seconds = Histogram(
            "luotdoc_flush_seconds",
            "Seconds of one flush, from the look into the ledger to the commit.",
            buckets=SECONDS,
            registry=registry,
        )
        self.flush_reads = Histogram(
            "luotdoc_flush_reads", "Reads in one flush.", buckets=SIZES, registry=registry
        )
        self.late_markers = Counter(
            "luotdoc_late_markers_total",
            "Days of late reads in committed flushes: stats makes their projections again.",
            registry=registry,
        )

    def _of_batches(self, registry: Registry) -> None:
        self.duplicates = Counter(
            "luotdoc_duplicate_batches_total",
            "Batches that were already in the ledger and so were not counted again.",
            registry=registry,
        )
        self.corrected = Counter(
            "luotdoc_corrected_reads_total",
            "Reads that correcting batches of recounts moved from one class to another.",
            ["was", "now"],
            registry=registry,
        )
        for was, now in ((READER, BOT), (BOT, READER), (BOT, RELOAD), (RELOAD, BOT)):
            self.corrected.labels(was, now)
        self.discarded = Counter(
            "luotdoc_discarded_batches_total",
            "Unacked batches dropped from memory because their channel was lost; "
            "RabbitMQ delivers them again.",
            registry=registry,
        )


class ArchiveMetrics:
    """Metrics of the mover."""

    def __init__(self, registry: Registry) -> None:
        self.archived = Counter(
            "luotdoc_archived_buckets_total",
            "Buckets that this process has moved to the archive.",
            registry=registry,
        )
        self.waiting = Measured(
            "luotdoc_archive_waiting_buckets",
            "Buckets of articles older than LUOTDOC_KEEP_BUCKETS_DAYS that wait to be moved to the "
            "archive.",
            registry,
        )
