"""Panels of the dashboard *Pipeline*: from the count to the figures, and the archive. Pure."""

from deploy.grafana.panels import Panel, PromQuery, Threshold, limits

FIGURES_PANELS = (
    Panel(
        "Traffic figures of stats: their age thick, time to make them dashed",
        "timeseries",
        (
            PromQuery(
                'max(time() - luotdoc_traffic_as_of_seconds{service="stats"})', "age", "thick"
            ),
            PromQuery(
                'max(luotdoc_traffic_making_seconds{service="stats"})', "time to make", "dashed"
            ),
        ),
        "s",
        "Of the replica with the oldest ones. Made anew every two seconds, or after ten times as "
        "long as the last time took, at most 30 s. Older: MongoDB is away or slow, or late reads "
        "arrive without end.",
        thresholds=limits(120),
        runbook="LuotdocTrafficStale",
    ),
    Panel(
        "Projections that are still to be made",
        "timeseries",
        (
            PromQuery(
                'max(luotdoc_traffic_projections_missing{service="stats"})', "missing", "thick"
            ),
        ),
        "short",
        "A few after each full hour and after late reads, for seconds; all of history at the first "
        "start. Until then stats adds up buckets, which costs MongoDB more.",
        runbook="LuotdocProjectionsMissing",
    ),
    Panel(
        "Old buckets that wait for the archive, per replica",
        "timeseries",
        (
            PromQuery(
                'luotdoc_archive_waiting_buckets{service="counter", instance=~"$instance"}',
                "{{instance}}",
            ),
        ),
        "short",
        "Older than LUOTDOC_KEEP_BUCKETS_DAYS. A month's come at the beginning of each month, and "
        "are moved within minutes. Each counter counts them once an hour.",
        runbook="LuotdocArchiveStuck",
    ),
    Panel(
        "Stats behind the stream of reads, per replica",
        "timeseries",
        (
            PromQuery(
                'luotdoc_readers_lag_seconds{service="stats", instance=~"$instance"}',
                "{{instance}}",
            ),
        ),
        "s",
        "By which the fold of unique readers, or what is stored of it, is behind. A few seconds; "
        "after a start of stats the time for which it was away, which falls within a minute.",
        thresholds=limits(120),
        runbook="LuotdocReadersBehind",
    ),
    Panel(
        "Open pages that follow live figures, per replica",
        "timeseries",
        (
            PromQuery(
                'luotdoc_live_listeners{service="stats", instance=~"$instance"}', "{{instance}}"
            ),
        ),
        "short",
        "Each holds a connection. At LUOTDOC_LIVE_LISTENERS (10,000) more are refused: add a "
        "replica of stats. Falls to 0 in one replica and rises in another: it was stopped.",
    ),
    Panel(
        "Listeners dropped or refused a minute: dropped thick, refused dashed",
        "timeseries",
        (
            PromQuery(
                'sum(rate(luotdoc_live_ended_total{service="stats", reason="slow"}'
                "[$__rate_interval])) * 60",
                "too slow",
                "thick",
            ),
            PromQuery(
                'sum by (reason) (rate(luotdoc_live_refused_total{service="stats"}'
                "[$__rate_interval])) * 60",
                "refused: {{reason}}",
                "dashed",
            ),
        ),
        "short",
        "A few slow ones are phones that lost their network. Many refused of one address: a "
        "school or an office; raise LUOTDOC_LIVE_PER_ADDRESS. Full: add a replica.",
    ),
    Panel(
        "Wrong projections repaired, selected time (must be 0)",
        "stat",
        (
            PromQuery(
                'sum(increase(luotdoc_traffic_projections_repaired_total{service="stats"}'
                "[$__range]))",
                "projections",
            ),
        ),
        "short",
        "The articles' reads did not add up to the site's. Until the repair top lists and sections "
        "showed wrong numbers. The log of stats names them.",
        height=4,
        thresholds=(Threshold(None, "green"), Threshold(0.5, "red")),
        decimals=0,
        runbook="LuotdocProjectionsWrong",
    ),
    Panel(
        "Late markers, selected time",
        "stat",
        (
            PromQuery(
                'sum(increase(luotdoc_late_markers_total{service="counter"}[$__range]))', "markers"
            ),
        ),
        "short",
        "Days of reads that were counted over two hours after they happened: from a spool, a "
        "parked queue, or a server's or an app's batches. Each makes a few projections be made "
        "again.",
        height=4,
        decimals=0,
    ),
    Panel(
        "Buckets moved to the archive, selected time",
        "stat",
        (
            PromQuery(
                'sum(increase(luotdoc_archived_buckets_total{service="counter"}[$__range]))',
                "buckets",
            ),
        ),
        "short",
        "By all counters. `python -m services.counter archive` is not included.",
        height=4,
        decimals=0,
        runbook="LuotdocArchiveStuck",
    ),
)
