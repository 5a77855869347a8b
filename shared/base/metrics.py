"""Every metric of the system, declared once with its meaning, grouped by the process that measures it.

A composition root makes its process's registry (`new_registry`) and the groups that the process
measures, and passes the groups on. So a process exposes its own series and no others.

A series whose labels are known at the start exists from the start with 0, because `rate()` needs a
first value. A gauge that was not measured yet has no sample. An article id is never a label. A
section is a label only if it is one of the site's own; any other section is `other`.
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
"""Label value for anything outside the label's closed set."""


def new_registry() -> Registry:
    """A registry with prometheus_client's own metrics of the process and of Python."""
    # Without this each counter gets a second series `…_created`, which process_start_time_seconds makes superfluous.
    disable_created_metrics()  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


class Serving:
    """Metrics of every process that answers HTTP."""

    def __init__(self, registry: Registry) -> None:
        # A metric about the process as a whole belongs here: its build, its connections.
        build = Gauge(
            "luotdoc_build_info", "Always 1; the label is the running version.", ["version"], registry=registry
        )
        build.labels(VERSION).set(1)
        self.ready = Gauge("luotdoc_ready", "1 while /readyz answers 200.", registry=registry)
        self.in_flight = Measured(
            "luotdoc_http_in_flight",
            "Requests in flight, without health checks, scrapes and page reads (see luotdoc_reads_in_flight).",
            registry,
        )
        self.connections = Gauge("luotdoc_http_connections", "Open HTTP connections.", registry=registry)
        self.connections_ended = Counter(
            "luotdoc_http_connections_ended_total",
            "Connections that this process closed, by reason: full (at the limit, 503), evicted (idle or unfinished, "
            "to make room for a new one), idle (between requests), head and body (too slow, 408), unread (client reads "
            "its answer too slowly), malformed (400), too_large (431, 414), discarded (client sent too much after an "
            "answer).",
            ["reason"],
            registry=registry,
        )
        for reason in END_REASONS:
            self.connections_ended.labels(reason)


class Connection:
    """Metrics of every process that connects to RabbitMQ."""

    def __init__(self, registry: Registry) -> None:
        self.up = Gauge(
            "luotdoc_broker_up", "1 while this process has a working connection to RabbitMQ.", registry=registry
        )


class Requests:
    """Metrics of the services with an API."""

    def __init__(self, registry: Registry) -> None:
        self.answers = Counter(
            "luotdoc_http_requests_total",
            "Requests to the API that were answered, by method and status.",
            ["method", "status"],
            registry=registry,
        )
        for method in (*sorted(METHODS), OTHER):
            for status in ("500", "503"):
                self.answers.labels(method, status)
        self.seconds = Histogram(
            "luotdoc_http_seconds", "Seconds to answer a request to the API.", buckets=_SECONDS, registry=registry
        )


class Publishing:
    """Metrics of the producers of events."""

    def __init__(self, registry: Registry) -> None:
        self.published = Counter(
            "luotdoc_events_published_total", "Events confirmed by RabbitMQ.", ["event"], registry=registry
        )
        self.refused = Counter(
            "luotdoc_events_refused_total",
            "Events that a subscriber's queue refused; other queues have them.",
            ["event"],
            registry=registry,
        )
        self.unrouted = Counter(
            "luotdoc_events_unrouted_total",
            "Informational events that no queue was bound to.",
            ["event"],
            registry=registry,
        )

    def prepare(self, *names: str) -> None:
        """Create the series of the events `names`, which this process publishes, with 0."""
        for name in names:
            self.published.labels(name)
            self.refused.labels(name)
            self.unrouted.labels(name)


class Queues:
    """Metrics of the consumers of work queues, other teams' included."""

    def __init__(self, registry: Registry) -> None:
        self.waiting = Gauge(
            "luotdoc_queue_waiting",
            "Messages in a work queue, its retry queues and its parked queue, one series each; NaN while RabbitMQ is "
            "away.",
            ["queue"],
            registry=registry,
        )
        self.parked_oldest = Gauge(
            "luotdoc_parked_oldest_seconds",
            "Age of the oldest message in a parked queue, by queue and its reason; no series while none is parked.",
            ["queue", "reason"],
            registry=registry,
        )
        self.parked = Counter(
            "luotdoc_parked_total", "Messages parked, by queue and reason.", ["queue", "reason"], registry=registry
        )


class Consuming:
    """Metrics of the subscribers: the handling of events."""

    OUTCOMES = ("handled", "stale", "ignored", "retried", "parked")

    def __init__(self, registry: Registry) -> None:
        self.settled = Counter(
            "luotdoc_consumed_total",
            "Messages settled, by queue and outcome: handled, stale (dropped by the guard), ignored (a type without a "
            "handler), retried (sent to a retry queue), parked.",
            ["queue", "outcome"],
            registry=registry,
        )
        self.retries = Counter(
            "luotdoc_consume_retries_total",
            "Failed attempts to handle a message, each followed by another attempt.",
            ["queue"],
            registry=registry,
        )
        self.age = Histogram(
            "luotdoc_consume_age_seconds",
            "Seconds from an event's time to the end of its handling, without replayed events.",
            ["queue"],
            buckets=(*_SECONDS, 60, 300, 1800, 3600, 21600, 86400),
            registry=registry,
        )

    def prepare(self, queue: str) -> None:
        """Create the series of `queue`, which this process consumes, with 0."""
        for outcome in self.OUTCOMES:
            self.settled.labels(queue, outcome)
        self.retries.labels(queue)
        self.age.labels(queue)


class Ingest:
    """Metrics of ingest: articles, reads and the spool."""

    CLASSES = ("reader", "batch")
    OUTCOMES = ("counted", "reload", "bot", "prefetch", "origin", "limit", "unknown", "invalid", "unavailable")

    def __init__(self, registry: Registry) -> None:
        self._of_articles(registry)
        self._of_reads(registry)
        self._of_spool(registry)
        self.tokens = Counter(
            "luotdoc_tokens_total",
            "Requests with a token, by outcome: right, wrong, slowed (wrong too often, answered 429).",
            ["outcome"],
            registry=registry,
        )
        for outcome in ("right", "wrong", "slowed"):
            self.tokens.labels(outcome)

    def _of_articles(self, registry: Registry) -> None:
        self.outbox_waiting = Measured(
            "luotdoc_outbox_waiting", "Events in the outbox: committed, not yet confirmed by RabbitMQ.", registry
        )
        self.outbox_oldest = Measured(
            "luotdoc_outbox_oldest_seconds", "Age of the oldest event in the outbox, 0 if it is empty.", registry
        )
        self.outbox_failures = Counter(
            "luotdoc_outbox_failures_total", "Rounds of the relay that failed and are repeated.", registry=registry
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
            "Unix time of the last comparison of a subscriber with the articles; before the first one, the time at "
            "which this process began to compare.",
            ["subscriber"],
            registry=registry,
        )

    def _of_reads(self, registry: Registry) -> None:
        self.reads = Counter(
            "luotdoc_reads_total",
            "Reads answered, by class: reader (from a page) or batch (POST /reads/batch, repeated requests included), "
            "and by outcome: counted, reload, bot, prefetch, origin, limit, unknown, invalid, unavailable. A request "
            "to POST /reads/batch that is refused counts as one.",
            ["class", "outcome"],
            registry=registry,
        )
        for kind in self.CLASSES:
            for outcome in self.OUTCOMES:
                self.reads.labels(kind, outcome)
        self.reads_in_flight = Measured(
            "luotdoc_reads_in_flight", "Page reads in flight: being checked, or waiting to be durable.", registry
        )
        self.read_answered = Latency(
            "luotdoc_read_seconds",
            "Seconds to answer a page read, whatever the status.",
            _SECONDS,
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
        self.batch_size = Histogram("luotdoc_read_batch_size", "Reads in a batch.", buckets=_SIZES, registry=registry)
        self.confirm_seconds = Histogram(
            "luotdoc_read_confirm_seconds",
            "Seconds from publishing a batch to its publisher confirm.",
            buckets=_SECONDS,
            registry=registry,
        )
        self.known = Measured(
            "luotdoc_known_articles", "Public articles whose ids the beacon holds in memory.", registry
        )

    def _of_spool(self, registry: Registry) -> None:
        self.spool_bytes = Measured(
            "luotdoc_spool_bytes", "Bytes of batches in the spool, on local disk, that wait for RabbitMQ.", registry
        )
        self.spool_oldest = Measured(
            "luotdoc_spool_oldest_seconds", "Age of the oldest batch in the spool, 0 if it is empty.", registry
        )
        self.spool_usable = Measured(
            "luotdoc_spool_usable",
            "1 while the spool can be written; at 0 a read is durable only once RabbitMQ has confirmed it.",
            registry,
        )
        self.spool_beside = Measured(
            "luotdoc_spool_beside_bytes",
            "Bytes in the spools of other instances in the same directory, orphaned if the instance doesn't run.",
            registry,
        )
        self.spool_forwarded = Counter(
            "luotdoc_spool_forwarded_total", "Batches from the spool that RabbitMQ has confirmed.", registry=registry
        )


class Render:
    """Metrics of render: pages made and pages served."""

    ARTICLE, LIST = "article", "list"
    KINDS = (ARTICLE, LIST, "static", "media", "redirect", "error")

    def __init__(self, registry: Registry, sections: Sequence[str]) -> None:
        """`sections`: the slugs of the site's own sections."""
        self._sections = frozenset(sections)
        self.pages = Tally(
            "luotdoc_pages_total",
            "Requests for pages that were answered, by kind, section and status. The section is empty for the front "
            "page and for kinds without one, and other where the settings don't name it.",
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
            "Seconds to answer a request for a page, by kind.",
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
            "Seconds from an article's event until its page is served, without replayed events.",
            buckets=_SECONDS,
            registry=registry,
        )

        self.stale = Counter(
            "luotdoc_pages_stale_total",
            "Pages and lists served from memory, possibly out of date, because MongoDB gave no answer.",
            registry=registry,
        )
        self.stale_seconds = Measured(
            "luotdoc_pages_stale_seconds",
            "Seconds since MongoDB last confirmed that the pages in memory are current, 0 while it does; at "
            "LUOTDOC_STALE_PAGES they are dropped.",
            registry,
        )

    def section(self, slug: str) -> str:
        """The label value for the section `slug`: itself, or `other`."""
        return slug if slug in self._sections else OTHER

    def answered(self, kind: str, section: str, status: int, seconds: float) -> None:
        """Count and time one answer; `section` is a label value, as `section()` makes it."""
        self.pages.counts[kind, section, str(status)] += 1
        self._took[kind](seconds)


class Counting:
    """Metrics of counter."""

    def __init__(self, registry: Registry) -> None:
        self.counted = Counter(
            "luotdoc_counted_reads_total", "Reads committed to MongoDB by this process.", registry=registry
        )
        self.flushes = Counter(
            "luotdoc_flushes_total",
            "Flushes by outcome: committed, failed (tried again after a backoff), conflict (another writer was first; "
            "run again at once).",
            ["outcome"],
            registry=registry,
        )
        for outcome in ("committed", "failed", "conflict"):
            self.flushes.labels(outcome)
        self.flush_seconds = Histogram(
            "luotdoc_flush_seconds",
            "Seconds of one flush, from the look into the ledger to the commit.",
            buckets=_SECONDS,
            registry=registry,
        )
        self.flush_reads = Histogram("luotdoc_flush_reads", "Reads in one flush.", buckets=_SIZES, registry=registry)
        self.duplicates = Counter(
            "luotdoc_duplicate_batches_total",
            "Batches that were already in the ledger and so were not counted again.",
            registry=registry,
        )
        self.discarded = Counter(
            "luotdoc_discarded_batches_total",
            "Unacked batches dropped from memory because their channel was lost; RabbitMQ delivers them again.",
            registry=registry,
        )
        self.buffered = Gauge(
            "luotdoc_buffered_reads", "Reads folded in memory that await the next flush.", registry=registry
        )
        self.slot = Measured("luotdoc_slot", "Slot that this counter leases, -1 without a lease.", registry)


class Stats:
    """Metrics of stats: heartbeats, and the books (accepted = counted + filtered + parked), refreshed every 5 s."""

    def __init__(self, registry: Registry) -> None:
        self.accepted = Measured(
            "luotdoc_books_accepted_reads", "Reads in all batches that were counted or parked.", registry
        )
        self.counted = Measured("luotdoc_books_counted_reads", "Reads in the counts of all articles.", registry)
        self.filtered = Gauge(
            "luotdoc_books_filtered_reads", "Reads that ingest filtered, by reason.", ["reason"], registry=registry
        )
        self.parked = Measured("luotdoc_books_parked_reads", "Reads in parked batches.", registry)
        self.in_flight = Measured(
            "luotdoc_books_in_flight_batches",
            "Batches in flight: sequence numbers that the counter has not seen, although it has seen higher ones.",
            registry,
        )
        self.ended_gaps = Measured(
            "luotdoc_books_ended_gap_batches",
            "Batches in gaps of ingest epochs that have ended: nothing of them was seen for a minute.",
            registry,
        )
        self.running_gaps = Measured(
            "luotdoc_books_running_gap_batches",
            "Batches in gaps of running ingests, missing for over a minute; they hold complete_through back.",
            registry,
        )
        self.lost = Measured(
            "luotdoc_books_lost_batches",
            "Batches that an operator declared lost with close-gap and that have not arrived since.",
            registry,
        )
        self.balance = Measured(
            "luotdoc_books_balance_reads",
            "accepted - counted - filtered - parked; anything but 0 is a fault.",
            registry,
        )
        self.duplicates = Measured(
            "luotdoc_books_duplicate_batches", "Batches that arrived again and were not counted again.", registry
        )
        self.complete_through = Measured(
            "luotdoc_books_complete_through_seconds",
            "complete_through as Unix time: every read accepted before it is counted; NaN while no ingest reaches "
            "RabbitMQ.",
            registry,
        )
        self.as_of = Measured("luotdoc_books_as_of_seconds", "Unix time at which the books were last read.", registry)
        self.silence = Gauge(
            "luotdoc_event_silence_seconds",
            "Seconds since the last heartbeat for this event type, or since this process began to listen.",
            ["event"],
            registry=registry,
        )
