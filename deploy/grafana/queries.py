"""Parts of queries that several dashboards share. Pure."""

from deploy.grafana.panels import PromQuery

RATE_STEP = "[$__rate_interval]"
OF_QUEUES = 'luotdoc_queue_waiting{service=~"render|counter|stats"'


def quantiles(metric: str, selector: str) -> tuple[PromQuery, PromQuery]:
    """The lower line: half of the observations are below it. The upper: 99 of 100."""
    buckets = f"sum by (le) (rate({metric}_bucket{{{selector}}}{RATE_STEP}))"
    return (
        PromQuery(f"histogram_quantile(0.5, {buckets})", "half", "thin"),
        PromQuery(f"histogram_quantile(0.99, {buckets})", "99 %", "thick"),
    )
