"""The metrics of connecting, consuming and publishing, each declared once with its meaning.

A composition root makes its process's registry (`new_registry`) and the groups that the process
measures, and passes the groups on. So a process exposes its own series and no others.

A series whose labels are known at the start exists from the start with 0, because `rate()` needs a
first value. A gauge that was not measured yet has no sample. An article id is never a label. A
section is a label only if it is one of the site's own; any other section is `other`.
"""

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

from luotdoc_events.version import VERSION

Registry = CollectorRegistry

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
SIZES = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 25_000, 50_000, 100_000)

OTHER = "other"
"""Label value for anything outside the label's closed set."""


def new_registry() -> Registry:
    """A registry with prometheus_client's own metrics of the process and of Python."""
    # Without this each counter gets a second series `…_created`, which process_start_time_seconds
    # makes superfluous.
    disable_created_metrics()  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


class Process:
    """Metrics of every process."""

    def __init__(self, registry: Registry) -> None:
        build = Gauge(
            "luotdoc_build_info",
            "Always 1; the label is the running version.",
            ["version"],
            registry=registry,
        )
        build.labels(VERSION).set(1)
        self.ready = Gauge("luotdoc_ready", "1 while /readyz answers 200.", registry=registry)


class ConnectionMetrics:
    """Metrics of every process that connects to RabbitMQ."""

    def __init__(self, registry: Registry) -> None:
        self.up = Gauge(
            "luotdoc_broker_up",
            "1 while this process has a working connection to RabbitMQ.",
            registry=registry,
        )


class Publishing:
    """Metrics of the producers of events."""

    def __init__(self, registry: Registry) -> None:
        self.published = Counter(
            "luotdoc_events_published_total",
            "Events confirmed by RabbitMQ.",
            ["event"],
            registry=registry,
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
            "Messages in a work queue, its retry queues and its parked queue, one series each; "
            "NaN while RabbitMQ is away.",
            ["queue"],
            registry=registry,
        )
        self.parked_oldest = Gauge(
            "luotdoc_parked_oldest_seconds",
            "Age of the oldest message in a parked queue, by queue and its reason; no "
            "series while none is parked.",
            ["queue", "reason"],
            registry=registry,
        )
        self.parked = Counter(
            "luotdoc_parked_total",
            "Messages parked, by queue and reason.",
            ["queue", "reason"],
            registry=registry,
        )


class Consuming:
    """Metrics of the subscribers: the handling of events."""

    OUTCOMES = ("handled", "stale", "ignored", "retried", "parked")

    def __init__(self, registry: Registry) -> None:
        self.settled = Counter(
            "luotdoc_consumed_total",
            "Messages settled, by queue and outcome: handled, stale (dropped by the "
            "guard), ignored (a type without a "
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
            buckets=(*SECONDS, 60, 300, 1800, 3600, 21600, 86400),
            registry=registry,
        )

    def prepare(self, queue: str) -> None:
        """Create the series of `queue`, which this process consumes, with 0."""
        for outcome in self.OUTCOMES:
            self.settled.labels(queue, outcome)
        self.retries.labels(queue)
        self.age.labels(queue)
