"""The metrics of answering HTTP, each declared once with its meaning.

`luotdoc_subscriber.base.metrics` has the rules, and the metrics of RabbitMQ and the consumers.
"""

from prometheus_client import Counter, Gauge, Histogram

from luotdoc_subscriber.base.metrics import OTHER, SECONDS, Registry
from shared.base.collectors import Measured

METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
END_REASONS = (
    "full",
    "evicted",
    "idle",
    "head",
    "body",
    "unread",
    "malformed",
    "too_large",
    "discarded",
)


class Serving:
    """Metrics of every process that answers HTTP."""

    def __init__(self, registry: Registry) -> None:
        self.in_flight = Measured(
            "luotdoc_http_in_flight",
            "Requests in flight, without health checks, scrapes, page reads (see "
            "luotdoc_reads_in_flight) and answers without an end (luotdoc_live_listeners).",
            registry,
        )
        self.connections = Gauge(
            "luotdoc_http_connections", "Open HTTP connections.", registry=registry
        )
        self.connections_ended = Counter(
            "luotdoc_http_connections_ended_total",
            "Connections that this process closed, by reason: full (at the limit, 503), evicted "
            "(idle or unfinished, to make room for a new one), idle (between requests), head "
            "and body (too slow, 408), unread (client reads its answer too slowly), malformed "
            "(400), too_large (431, 414), discarded (client sent too much after an answer).",
            ["reason"],
            registry=registry,
        )
        for reason in END_REASONS:
            self.connections_ended.labels(reason)


class SiteFileMetrics:
    """Metrics of every service that follows the site's file."""

    def __init__(self, registry: Registry) -> None:
        self.refused = Counter(
            "luotdoc_site_file_refused_total",
            "Changes of the site's file with faults, which were not taken; the log has them.",
            registry=registry,
        )
        self.faulty = Gauge(
            "luotdoc_site_file_faulty",
            "1 while the site's file has faults, and the one before stays in use; else 0.",
            registry=registry,
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
            "luotdoc_http_seconds",
            "Seconds to answer a request to the API.",
            buckets=SECONDS,
            registry=registry,
        )
