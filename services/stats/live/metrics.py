"""The metrics of live figures."""

from prometheus_client import Counter, Gauge

from luotdoc_subscriber.base.metrics import Registry

ENDED = ("left", "slow", "stop")
REFUSED = ("full", "address", "stopping")


class LiveMetrics:
    """Metrics of the streams that open pages follow."""

    def __init__(self, registry: Registry) -> None:
        self.listeners = Gauge(
            "luotdoc_live_listeners", "Open pages that follow the live figures.", registry=registry
        )
        self.ended = Counter(
            "luotdoc_live_ended_total",
            "Listeners that are no more, by reason: left (the client closed the connection), slow "
            "(it took nothing, or did not confirm it, for too long), stop (this process stops).",
            ["reason"],
            registry=registry,
        )
        self.refused = Counter(
            "luotdoc_live_refused_total",
            "Listeners that were answered 503, by reason: full (as many as may be are there), "
            "address (as many from this address), stopping.",
            ["reason"],
            registry=registry,
        )
        for reason in ENDED:
            self.ended.labels(reason)
        for reason in REFUSED:
            self.refused.labels(reason)
        self.frames = Counter(
            "luotdoc_live_frames_total", "Frames that were sent to listeners.", registry=registry
        )
        self.encoded = Counter(
            "luotdoc_live_encoded_total",
            "Frames that were encoded. Each may be sent to many listeners.",
            registry=registry,
        )
