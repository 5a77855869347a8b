"""stats' metrics. `app.py` makes them once and passes them in."""

from prometheus_client import Counter, Gauge

from luotdoc_subscriber.base.metrics import Registry
from shared.base.collectors import Measured
from shared.base.metrics import SiteFileMetrics


class StatsMetrics:
    """Metrics of stats: heartbeats, the books (accepted = counted + filtered + parked), refreshed
    every 5 s, and the traffic figures in memory.
    """

    def __init__(self, registry: Registry) -> None:
        self._of_reads(registry)
        self._of_batches(registry)
        self._of_traffic(registry)
        self._of_exports(registry)
        self._of_readers(registry)
        self.site_file = SiteFileMetrics(registry)
        self.as_of = Measured(
            "luotdoc_books_as_of_seconds", "Unix time at which the books were last read.", registry
        )
        self.silence = Gauge(
            "luotdoc_event_silence_seconds",
            "Seconds since the last heartbeat for this event type, or since this "
            "process began to listen.",
            ["event"],
            registry=registry,
        )

    def _of_reads(self, registry: Registry) -> None:
        self.accepted = Measured(
            "luotdoc_books_accepted_reads",
            "Reads in all batches that were counted or parked.",
            registry,
        )
        self.counted = Measured(
            "luotdoc_books_counted_reads", "Reads in the count of the whole site.", registry
        )
        self.filtered = Gauge(
            "luotdoc_books_filtered_reads",
            "Reads that ingest filtered, by reason.",
            ["reason"],
            registry=registry,
        )
        self.corrected = Gauge(
            "luotdoc_books_corrected_reads",
            "What recounts have changed, by class: included in counted and filtered, adds up to 0.",
            ["class"],
            registry=registry,
        )
        self.parked = Measured("luotdoc_books_parked_reads", "Reads in parked batches.", registry)
        self.balance = Measured(
            "luotdoc_books_balance_reads",
            "accepted - counted - filtered - parked; anything but 0 is a fault.",
            registry,
        )

    def _of_traffic(self, registry: Registry) -> None:
        self.view_as_of = Measured(
            "luotdoc_traffic_as_of_seconds",
            "Unix time of the newest top lists and sections in memory.",
            registry,
        )
        self.view_seconds = Measured(
            "luotdoc_traffic_making_seconds",
            "Time that it took to make the newest top lists and sections.",
            registry,
        )
        self.windows_not_ready = Measured(
            "luotdoc_traffic_windows_not_ready",
            "Fixed windows that wait for their projections.",
            registry,
        )
        self.projections_missing = Measured(
            "luotdoc_traffic_projections_missing",
            "Projections of closed time that are still to be made.",
            registry,
        )
        self.projections_wrong = Gauge(
            "luotdoc_traffic_projections_wrong",
            "Projections whose articles did not add up to the site's buckets when they were last "
            "checked, and that are not made again yet.",
            registry=registry,
        )
        self.projections_repaired = Counter(
            "luotdoc_traffic_projections_repaired",
            "Wrong projections that were deleted to be made again. Each is a fault.",
            registry=registry,
        )
        self.projections_checked = Counter(
            "luotdoc_traffic_projections_checked",
            "Comparisons of a projection with the site's buckets.",
            registry=registry,
        )

    def _of_readers(self, registry: Registry) -> None:
        self.online = Measured(
            "luotdoc_online_readers",
            "Distinct readers of the last five minutes.",
            registry,
        )
        self.readers_lag = Measured(
            "luotdoc_readers_lag_seconds",
            "Seconds by which the fold of unique readers is behind the stream of batches.",
            registry,
        )

    def _of_exports(self, registry: Registry) -> None:
        self.exports_running = Gauge(
            "luotdoc_exports_running", "Exports that are being sent.", registry=registry
        )
        self.exports_refused = Counter(
            "luotdoc_exports_refused",
            "Exports that were refused because as many as may run at once did.",
            registry=registry,
        )

    # Long because each metric is declared with its meaning.
    def _of_batches(self, registry: Registry) -> None:
        self.in_flight = Measured(
            "luotdoc_books_in_flight_batches",
            "Batches in flight: sequence numbers that the counter has not seen, "
            "although it has seen higher ones.",
            registry,
        )
        self.ended_gaps = Measured(
            "luotdoc_books_ended_gap_batches",
            "Batches in gaps of ingest epochs that have ended: nothing of them was seen for a "
            "minute.",
            registry,
        )
        self.running_gaps = Measured(
            "luotdoc_books_running_gap_batches",
            "Batches in gaps of running ingests, missing for over a minute; they hold "
            "complete_through back.",
            registry,
        )
        self.lost = Measured(
            "luotdoc_books_lost_batches",
            "Batches that an operator declared lost with close-gap and that have not arrived "
            "since.",
            registry,
        )
        self.duplicates = Measured(
            "luotdoc_books_duplicate_batches",
            "Batches that arrived again and were not counted again.",
            registry,
        )
        self.ledger = Measured(
            "luotdoc_ledger_batches",
            "Batch ids in the ledger, as MongoDB estimates it; they expire after 72 hours.",
            registry,
        )
        self.complete_through = Measured(
            "luotdoc_books_complete_through_seconds",
            "complete_through as Unix time: every read accepted before it is counted; NaN while "
            "no ingest reaches RabbitMQ.",
            registry,
        )
