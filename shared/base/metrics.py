"""Every metric of the system, declared once, with its meaning, in the group of the process that measures it.

A composition root makes its process's registry (`new_registry`) and the groups of what it measures, and passes these
on. So a process exposes its own series and no others. A series whose labels are known from the start is there from
the start, with 0, because `rate()` needs a first value; a gauge that is not measured yet has no sample. No article id
is ever a label; a section only out of the site's own list, anything else as `other`.
"""

from collections.abc import Sequence

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

from shared.base.collectors import Latency, Measured, Tally
from shared.base.version import VERSION

Registry = CollectorRegistry

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_SIZES = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 25_000, 50_000, 100_000)

METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
END_REASONS = ("full", "evicted", "idle", "head", "body", "unread", "malformed", "too_large", "discarded")
OTHER = "other"
"""The label's value for what is outside its closed set."""


def new_registry() -> Registry:
    """A process's registry, with what prometheus_client measures of the process and of Python."""
    # No series `…_created` beside each counter: process_start_time_seconds says the same once.
    disable_created_metrics()  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


class Serving:
    """Every process that answers HTTP."""

    def __init__(self, registry: Registry) -> None:
        # A metric about the process as a whole belongs here: its build, its connections.
        build = Gauge("luotdoc_build_info", "1, under the version that runs.", ["version"], registry=registry)
        build.labels(VERSION).set(1)
        self.ready = Gauge("luotdoc_ready", "1 while /readyz answers 200.", registry=registry)
        self.in_flight = Measured(
            "luotdoc_http_in_flight",
            "Requests being answered. Left out: those for health and metrics, and plain reads (see the next metric "
            "of ingest, luotdoc_reads_in_flight).",
            registry,
        )
        self.connections = Gauge("luotdoc_http_connections", "Open HTTP connections.", registry=registry)
        self.connections_ended = Counter(
            "luotdoc_http_connections_ended_total",
            "Connections that this process ended itself, by reason: full (503), evicted (idle or unfinished, while "
            "others wanted in), idle, head and body (not in time: 408), unread (an answer that is not read), "
            "malformed (400), too_large (431, 414), discarded (too much sent behind an answer).",
            ["reason"],
            registry=registry,
        )
        for reason in END_REASONS:
            self.connections_ended.labels(reason)


class Connection:
    """Every process that connects to RabbitMQ."""

    def __init__(self, registry: Registry) -> None:
        self.up = Gauge(
            "luotdoc_broker_up", "1 while this process has a working connection to RabbitMQ.", registry=registry
        )


class Requests:
    """Services with an API."""

    def __init__(self, registry: Registry) -> None:
        self.answers = Counter(
            "luotdoc_http_requests_total", "HTTP answers of the API.", ["method", "status"], registry=registry
        )
        for method in (*sorted(METHODS), OTHER):
            for status in ("500", "503"):
                self.answers.labels(method, status)
        self.seconds = Histogram(
            "luotdoc_http_seconds", "Seconds to answer a request of the API.", buckets=_SECONDS, registry=registry
        )


class Publishing:
    """Producers of events."""

    def __init__(self, registry: Registry) -> None:
        self.published = Counter(
            "luotdoc_events_published_total", "Events confirmed by RabbitMQ.", ["event"], registry=registry
        )
        self.refused = Counter(
            "luotdoc_events_refused_total",
            "Events that a subscriber's queue refused.",
            ["event"],
            registry=registry,
        )
        self.unrouted = Counter(
            "luotdoc_events_unrouted_total", "Informational events that no queue wanted.", ["event"], registry=registry
        )

    def prepare(self, *names: str) -> None:
        """Make the series of the events that this process publishes."""
        for name in names:
            self.published.labels(name)
            self.refused.labels(name)
            self.unrouted.labels(name)


class Queues:
    """Consumers of work queues, those of other teams too."""

    def __init__(self, registry: Registry) -> None:
        self.waiting = Gauge(
            "luotdoc_queue_waiting",
            "Messages that wait in a work queue, its retry queues and its parked queue; NaN while RabbitMQ is away.",
            ["queue"],
            registry=registry,
        )
        self.parked_oldest = Gauge(
            "luotdoc_parked_oldest_seconds",
            "Age of the oldest message of a parked queue, under its reason; no series while nothing is parked.",
            ["queue", "reason"],
            registry=registry,
        )
        self.parked = Counter(
            "luotdoc_parked_total", "Messages parked, by queue and reason.", ["queue", "reason"], registry=registry
        )


class Consuming:
    """Subscribers: handlers of events."""

    OUTCOMES = ("handled", "stale", "ignored", "retried", "parked")

    def __init__(self, registry: Registry) -> None:
        self.settled = Counter(
            "luotdoc_consumed_total",
            "Messages settled, by queue and outcome: handled, stale, ignored (not asked for), "
            "retried (put aside for a while), parked.",
            ["queue", "outcome"],
            registry=registry,
        )
        self.retries = Counter(
            "luotdoc_consume_retries_total",
            "Attempts that failed and were repeated.",
            ["queue"],
            registry=registry,
        )
        self.age = Histogram(
            "luotdoc_consume_age_seconds",
            "Seconds from an event's time to the end of its handling. Replayed events are left out.",
            ["queue"],
            buckets=(*_SECONDS, 60, 300, 1800, 3600, 21600, 86400),
            registry=registry,
        )

    def prepare(self, queue: str) -> None:
        """Make the series of a queue that this process consumes."""
        for outcome in self.OUTCOMES:
            self.settled.labels(queue, outcome)
        self.retries.labels(queue)
        self.age.labels(queue)


class Ingest:
    """ingest: articles, reads, and the spool."""

    CLASSES = ("reader", "batch")
    OUTCOMES = ("counted", "reload", "bot", "prefetch", "origin", "limit", "unknown", "invalid", "unavailable")

    def __init__(self, registry: Registry) -> None:
        self._of_articles(registry)
        self._of_reads(registry)
        self._of_spool(registry)
        self.tokens = Counter(
            "luotdoc_tokens_total",
            "Requests that presented a token, by outcome: right, wrong, slowed (wrong again, answered 429).",
            ["outcome"],
            registry=registry,
        )
        for outcome in ("right", "wrong", "slowed"):
            self.tokens.labels(outcome)

    def _of_articles(self, registry: Registry) -> None:
        self.outbox_waiting = Measured(
            "luotdoc_outbox_waiting", "Events that are committed and not yet confirmed by RabbitMQ.", registry
        )
        self.outbox_oldest = Measured(
            "luotdoc_outbox_oldest_seconds", "Age of the oldest waiting event, 0 if none.", registry
        )
        self.outbox_failures = Counter(
            "luotdoc_outbox_failures_total", "Relay rounds that failed and will be repeated.", registry=registry
        )
        self.differences = Gauge(
            "luotdoc_reconciliation_differences",
            "Articles that a subscriber holds otherwise than they are, by kind: missing, stale, extra; "
            "as of luotdoc_reconciliation_as_of_seconds.",
            ["subscriber", "kind"],
            registry=registry,
        )
        self.compared_at = Gauge(
            "luotdoc_reconciliation_as_of_seconds",
            "Unix time at which a subscriber was last compared with the articles; before the first time, when this "
            "process began to compare.",
            ["subscriber"],
            registry=registry,
        )

    def _of_reads(self, registry: Registry) -> None:
        self.reads = Counter(
            "luotdoc_reads_total",
            "Reads answered, by class: reader (a page's beacon) or batch (POST /reads/batch, its repetitions too), and "
            "by outcome: counted, reload, bot, prefetch, origin, limit, unknown, invalid, unavailable. A batch that is "
            "refused whole is one.",
            ["class", "outcome"],
            registry=registry,
        )
        for kind in self.CLASSES:
            for outcome in self.OUTCOMES:
                self.reads.labels(kind, outcome)
        self.reads_in_flight = Measured(
            "luotdoc_reads_in_flight", "Reads of pages in hand: being judged, or waiting to be durable.", registry
        )
        self.read_answered = Latency(
            "luotdoc_read_seconds",
            "Seconds from a read of a page to its answer, whatever that is.",
            _SECONDS,
            registry,
        ).observer()
        self.batches = Counter(
            "luotdoc_read_batches_total",
            "Batches made durable, by way: confirmed or spooled.",
            ["way"],
            registry=registry,
        )
        for way in ("confirmed", "spooled"):
            self.batches.labels(way)
        self.batch_size = Histogram("luotdoc_read_batch_size", "Reads in a batch.", buckets=_SIZES, registry=registry)
        self.confirm_seconds = Histogram(
            "luotdoc_read_confirm_seconds",
            "Seconds from sending a batch to its confirm.",
            buckets=_SECONDS,
            registry=registry,
        )
        self.known = Measured(
            "luotdoc_known_articles", "Published articles that the beacon knows from memory.", registry
        )

    def _of_spool(self, registry: Registry) -> None:
        self.spool_bytes = Measured(
            "luotdoc_spool_bytes", "Bytes of batches on local disk that wait for RabbitMQ.", registry
        )
        self.spool_oldest = Measured(
            "luotdoc_spool_oldest_seconds", "Age of the oldest spooled batch, 0 if none.", registry
        )
        self.spool_usable = Measured(
            "luotdoc_spool_usable",
            "1 while batches can be written into the spool; at 0 reads are stored by RabbitMQ's confirm alone.",
            registry,
        )
        self.spool_beside = Measured(
            "luotdoc_spool_beside_bytes", "Bytes in the spools of other instances under the same directory.", registry
        )
        self.spool_forwarded = Counter(
            "luotdoc_spool_forwarded_total", "Spooled batches that RabbitMQ has confirmed.", registry=registry
        )


class Render:
    """render: pages, made and served."""

    ARTICLE, LIST = "article", "list"
    KINDS = (ARTICLE, LIST, "static", "media", "redirect", "error")

    def __init__(self, registry: Registry, sections: Sequence[str]) -> None:
        """`sections`: the slugs of the site's own sections."""
        self._sections = frozenset(sections)
        self.pages = Tally(
            "luotdoc_pages_total",
            "Page answers, by kind, section of the site (articles and lists; other for one that the settings don't "
            "name, empty for the front page and the rest), and status.",
            ["kind", "section", "status"],
            registry,
        )
        for status in ("200", "304"):
            for section in (*sections, OTHER):
                self.pages.counts[self.ARTICLE, section, status] = 0
            for section in ("", *sections, OTHER):
                self.pages.counts[self.LIST, section, status] = 0
            for kind in ("static", "media"):
                self.pages.counts[kind, "", status] = 0
        for kind, status in (("redirect", "301"), ("redirect", "302"), ("error", "404"), ("error", "410")):
            self.pages.counts[kind, "", status] = 0
        for status in ("405", "500", "503"):
            self.pages.counts["error", "", status] = 0
        seconds = Latency(
            "luotdoc_page_seconds",
            "Seconds to answer a request for a page, by its kind.",
            (0.0001, 0.00025, 0.0005, *_SECONDS),
            registry,
            "kind",
            self.KINDS,
        )
        self._took = {kind: seconds.observer(kind) for kind in self.KINDS}
        self.render_seconds = Histogram(
            "luotdoc_render_seconds", "Seconds to render and store one page.", buckets=_SECONDS, registry=registry
        )
        self.freshness = Histogram(
            "luotdoc_publish_to_served_seconds",
            "Seconds from an article's event to its served page. Replayed events are left out.",
            buckets=_SECONDS,
            registry=registry,
        )

        self.stale = Counter(
            "luotdoc_pages_stale_total",
            "Pages and lists served from memory because MongoDB gave no answer.",
            registry=registry,
        )
        self.stale_seconds = Measured(
            "luotdoc_pages_stale_seconds",
            "Seconds since MongoDB last confirmed the pages in memory, 0 while it does; at LUOTDOC_STALE_PAGES they "
            "are dropped.",
            registry,
        )

    def section(self, slug: str) -> str:
        """The label's value for a section."""
        return slug if slug in self._sections else OTHER

    def answered(self, kind: str, section: str, status: int, seconds: float) -> None:
        """Count and time an answer; `section` is a label's value."""
        self.pages.counts[kind, section, str(status)] += 1
        self._took[kind](seconds)


class Counting:
    """counter."""

    def __init__(self, registry: Registry) -> None:
        self.counted = Counter(
            "luotdoc_counted_reads_total", "Reads committed to MongoDB by this process.", registry=registry
        )
        self.flushes = Counter(
            "luotdoc_flushes_total",
            "Flushes by outcome: committed, failed (to be tried again), conflict (run again by itself).",
            ["outcome"],
            registry=registry,
        )
        for outcome in ("committed", "failed", "conflict"):
            self.flushes.labels(outcome)
        self.flush_seconds = Histogram(
            "luotdoc_flush_seconds",
            "Seconds of one flush, look into the ledger to commit.",
            buckets=_SECONDS,
            registry=registry,
        )
        self.flush_reads = Histogram("luotdoc_flush_reads", "Reads in one flush.", buckets=_SIZES, registry=registry)
        self.duplicates = Counter(
            "luotdoc_duplicate_batches_total", "Batches that the ledger held already.", registry=registry
        )
        self.discarded = Counter(
            "luotdoc_discarded_batches_total",
            "Batches thrown away unacked with a lost channel; they come back.",
            registry=registry,
        )
        self.buffered = Gauge(
            "luotdoc_buffered_reads", "Reads folded in memory that wait for a flush.", registry=registry
        )
        self.slot = Measured("luotdoc_slot", "The slot that this counter leases, -1 without a lease.", registry)


class Stats:
    """stats: the books, refreshed every 5 seconds (accepted = counted + filtered + parked), and heartbeats."""

    def __init__(self, registry: Registry) -> None:
        self.accepted = Measured(
            "luotdoc_books_accepted_reads", "Reads in the batches that were counted or parked.", registry
        )
        self.counted = Measured("luotdoc_books_counted_reads", "Reads in the counts.", registry)
        self.filtered = Gauge(
            "luotdoc_books_filtered_reads", "Reads filtered by ingest, by reason.", ["reason"], registry=registry
        )
        self.parked = Measured("luotdoc_books_parked_reads", "Reads in parked batches.", registry)
        self.in_flight = Measured(
            "luotdoc_books_in_flight_batches", "Batches missing in the sequences of ingest.", registry
        )
        self.ended_gaps = Measured(
            "luotdoc_books_ended_gap_batches", "Those among them whose ingest was not seen for a minute.", registry
        )
        self.running_gaps = Measured(
            "luotdoc_books_running_gap_batches",
            "Those among them that a running ingest has missed for over a minute; they hold complete_through back.",
            registry,
        )
        self.lost = Measured(
            "luotdoc_books_lost_batches", "Batches that operators have given up and that have not turned up.", registry
        )
        self.balance = Measured(
            "luotdoc_books_balance_reads", "accepted - counted - filtered - parked: always 0.", registry
        )
        self.duplicates = Measured(
            "luotdoc_books_duplicate_batches", "Batches that came again and were not counted.", registry
        )
        self.complete_through = Measured(
            "luotdoc_books_complete_through_seconds",
            "Unix time before which every accepted read is counted; NaN while no ingest gets through.",
            registry,
        )
        self.as_of = Measured("luotdoc_books_as_of_seconds", "Unix time at which the books were last read.", registry)
        self.silence = Gauge(
            "luotdoc_event_silence_seconds",
            "Seconds since a heartbeat for this type of event last came in, or since this process began to listen.",
            ["event"],
            registry=registry,
        )
