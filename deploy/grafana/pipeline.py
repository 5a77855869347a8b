"""The dashboard *Pipeline*: from the reader to the count, and from the article to its page.

Long because it is one table of panels.
"""

from deploy.grafana.board import Dashboard, LabelVariable, Row
from deploy.grafana.panels import Panel, PromQuery, Threshold, limits

_INSTANCE = 'instance=~"$instance"'
_RATE = "[$__rate_interval]"
_WAITING = 'luotdoc_queue_waiting{service=~"render|counter|stats"'


def quantiles(metric: str, selector: str) -> tuple[PromQuery, PromQuery]:
    """The lower line: half of the observations are below it. The upper: 99 of 100."""
    buckets = f"sum by (le) (rate({metric}_bucket{{{selector}}}{_RATE}))"
    return (
        PromQuery(f"histogram_quantile(0.5, {buckets})", "half", "thin"),
        PromQuery(f"histogram_quantile(0.99, {buckets})", "99 %", "thick"),
    )


_RIGHT = (
    Panel(
        "Balance of the books (must be 0)",
        "stat",
        (PromQuery('max(abs(luotdoc_books_balance_reads{service="stats"}))', "reads"),),
        "short",
        "accepted - counted - filtered - parked. Anything but 0 means that the count is wrong: "
        "open /stats/reconciliation and the runbook.",
        width=4,
        height=5,
        thresholds=(Threshold(None, "green"), Threshold(1, "red")),
        runbook="LuotdocBooksDontBalance",
    ),
    Panel(
        "Counting is behind by",
        "stat",
        (PromQuery("luotdoc:counting_lag:seconds", "lag"),),
        "s",
        "Every read that was accepted before is counted. Over a minute: look at counter, at the "
        "queue counter.reads and at the spools below.",
        width=4,
        height=5,
        thresholds=limits(10, 60),
        runbook="LuotdocCountingLags",
    ),
    Panel(
        "Batches in flight",
        "stat",
        (PromQuery('max(luotdoc_books_in_flight_batches{service="stats"})', "batches"),),
        "short",
        "Sent by ingest, not counted yet. A few are normal. Many that stay: look at the queue.",
        width=4,
        height=5,
    ),
    Panel(
        "Batches missing for over a minute",
        "stat",
        (
            PromQuery(
                'max(luotdoc_books_running_gap_batches{service="stats"}) '
                '+ max(luotdoc_books_ended_gap_batches{service="stats"})',
                "batches",
            ),
        ),
        "short",
        "Later batches of the same ingest have arrived, these have not: they may lie in a spool or "
        "be lost. /stats/reconciliation names them.",
        width=4,
        height=5,
        thresholds=(Threshold(None, "green"), Threshold(1, "red")),
        runbook="LuotdocGapInRunningIngest",
    ),
    Panel(
        "Messages set aside (parked)",
        "stat",
        (PromQuery(f'sum(max by (queue) ({_WAITING}, queue=~".+[.]parked"}}))', "messages"),),
        "short",
        "They failed for good and wait for an operator: `python -m shared.parked list`.",
        width=4,
        height=5,
        thresholds=(Threshold(None, "green"), Threshold(1, "red")),
        runbook="LuotdocMessagesParked",
    ),
    Panel(
        "Duplicates dropped, selected time",
        "stat",
        (
            PromQuery(
                'sum(increase(luotdoc_duplicate_batches_total{service="counter"}[$__range]))',
                "batches",
            ),
        ),
        "short",
        "Batches that were delivered again and not counted again. Not a fault: they follow a "
        "restart or a lost connection.",
        width=4,
        height=5,
        decimals=0,
    ),
)

_COUNT = (
    Panel(
        "Reads a second: accepted thick, counted dashed",
        "timeseries",
        (
            PromQuery(
                'sum(luotdoc:reads:rate5m{outcome="counted"})', "accepted by ingest", "thick"
            ),
            PromQuery("luotdoc:reads_counted:rate5m", "counted by counter", "dashed"),
        ),
        "reqps",
        "The lines lie on each other. If counted stays below accepted, reads gather in "
        "counter.reads or in a spool.",
    ),
    Panel(
        "Counting lag",
        "timeseries",
        (PromQuery("luotdoc:counting_lag:seconds", "lag", "thick"),),
        "s",
        "Above a minute for five minutes is an alert.",
        thresholds=limits(60),
        runbook="LuotdocCountingLags",
    ),
    Panel(
        "Messages waiting in counter.reads",
        "timeseries",
        (
            PromQuery(
                'max(luotdoc_queue_waiting{service="counter", queue="counter.reads"})',
                "messages",
                "thick",
            ),
        ),
        "short",
        "Grows while no counter can commit. Start more counters only if MongoDB has room.",
        thresholds=limits(1000),
        runbook="LuotdocQueueLong",
    ),
    Panel(
        "Flush time: half within the thin line, 99 % within the thick",
        "timeseries",
        quantiles("luotdoc_flush_seconds", f'service="counter", {_INSTANCE}'),
        "s",
        "One flush is one transaction, each half second. Longer than a second: MongoDB is slow.",
    ),
    Panel(
        "Reads in a flush: half within the thin line, 99 % within the thick",
        "timeseries",
        quantiles("luotdoc_flush_reads", f'service="counter", {_INSTANCE}'),
        "short",
        "At 50,000 a flush is cut: the counter is catching up.",
    ),
    Panel(
        "Flushes in the selected time, by outcome",
        "bargauge",
        (
            PromQuery(
                "sum by (outcome) "
                f'(increase(luotdoc_flushes_total{{service="counter", {_INSTANCE}}}[$__range]))',
                "{{outcome}}",
            ),
        ),
        "short",
        "A conflict runs again at once. Failed flushes are tried again and lose nothing, but if "
        "they go on, nothing is counted: look at MongoDB.",
        decimals=0,
        runbook="LuotdocFlushesFail",
    ),
    Panel(
        "RabbitMQ's confirm of a batch: half within the thin line, 99 % within the thick",
        "timeseries",
        quantiles("luotdoc_read_confirm_seconds", f'service="ingest", {_INSTANCE}'),
        "s",
        "A page read waits for this. Slow: the broker's disk, or a memory alarm.",
        runbook="LuotdocBeaconSlow",
    ),
    Panel(
        "Batch ids in the ledger",
        "timeseries",
        (PromQuery('max(luotdoc_ledger_batches{service="stats"})', "batches", "thick"),),
        "short",
        "Kept for 72 hours, about 90 bytes each. Grows with the number of ingests, not of readers.",
    ),
    Panel(
        "Reads in flight in ingest, per replica",
        "timeseries",
        (
            PromQuery(
                f'luotdoc_reads_in_flight{{service="ingest", {_INSTANCE}}}',
                "{{instance}}",
            ),
        ),
        "short",
        "Reads that wait to be durable. One replica far above the others: look at its spool.",
    ),
)

_WAITS = (
    Panel(
        "Reads on disk (spool), now per ingest",
        "bargauge",
        (PromQuery(f'luotdoc_spool_bytes{{service="ingest", {_INSTANCE}}}', "{{instance}}"),),
        "bytes",
        "Batches that RabbitMQ has not confirmed. They are safe for 71 hours. Bring RabbitMQ back.",
        width=6,
        thresholds=(Threshold(None, "green"), Threshold(1, "yellow")),
        runbook="LuotdocSpoolAges",
    ),
    Panel(
        "Oldest read on disk",
        "timeseries",
        (
            PromQuery(
                f'max(luotdoc_spool_oldest_seconds{{service="ingest", {_INSTANCE}}})',
                "age",
                "thick",
            ),
        ),
        "s",
        "Forward the spool within 71 hours.",
        width=6,
        thresholds=limits(300),
        runbook="LuotdocSpoolNearsItsEnd",
    ),
    Panel(
        "Batches a second: confirmed thick, to disk dashed",
        "timeseries",
        (
            PromQuery(
                "sum(rate(luotdoc_read_batches_total"
                f'{{service="ingest", way="confirmed", {_INSTANCE}}}{_RATE}))',
                "confirmed by RabbitMQ",
                "thick",
            ),
            PromQuery(
                "sum(rate(luotdoc_read_batches_total"
                f'{{service="ingest", way="spooled", {_INSTANCE}}}{_RATE}))',
                "written to disk",
                "dashed",
            ),
        ),
        "ops",
        "Only the thick line is above 0 while RabbitMQ is well.",
        width=6,
        runbook="LuotdocBrokerAway",
    ),
    Panel(
        "Age of the oldest event in the outbox",
        "timeseries",
        (PromQuery('max(luotdoc_outbox_oldest_seconds{service="ingest"})', "age", "thick"),),
        "s",
        "Changes of articles that are saved and not yet published. Bring RabbitMQ back.",
        width=6,
        thresholds=limits(60),
        runbook="LuotdocOutboxAges",
    ),
)

_PARKED = (
    Panel(
        "Messages waiting, by queue",
        "bargauge",
        (PromQuery(f"max by (queue) ({_WAITING}}})", "{{queue}}"),),
        "short",
        "No suffix: work. `….retry.…`: failed, tried again later. `….parked`: set aside.",
        height=10,
        width=12,
        thresholds=(Threshold(None, "green"), Threshold(1000, "yellow")),
        runbook="LuotdocQueueLong",
    ),
    Panel(
        "Messages parked since the start, by queue and reason",
        "bargauge",
        (
            PromQuery(
                'sum by (queue, reason) (luotdoc_parked_total{service=~"render|counter|stats"})',
                "{{queue}}: {{reason}}",
            ),
        ),
        "short",
        "The reasons are in the runbook under Parked messages.",
        width=6,
        height=10,
        empty="none was parked",
        runbook="LuotdocMessagesParked",
    ),
    Panel(
        "Oldest parked message, by queue and reason",
        "bargauge",
        (
            PromQuery(
                "max by (queue, reason) "
                '(luotdoc_parked_oldest_seconds{service=~"render|counter|stats"})',
                "{{queue}}: {{reason}}",
            ),
        ),
        "s",
        "Redrive or discard it. A batch of reads must be redriven within 71 hours.",
        width=6,
        height=10,
        empty="none is parked",
        thresholds=(Threshold(None, "yellow"), Threshold(86400, "red")),
        runbook="LuotdocParkedTooLong",
    ),
)

_FRESH = (
    Panel(
        "Last sign of life, by event type",
        "bargauge",
        (
            PromQuery(
                'min by (event) (luotdoc_event_silence_seconds{service="stats"})',
                "{{event}}",
            ),
        ),
        "s",
        "Each producer sends a heartbeat every 10 s for each type. Over a minute: the producer is "
        "down or can't publish.",
        thresholds=limits(30, 60),
        runbook="LuotdocEventTypeSilent",
        decimals=0,
    ),
    Panel(
        "From an article's event to its page: half within the thin line, 99 % within the thick",
        "timeseries",
        quantiles("luotdoc_publish_to_served_seconds", 'service="render"'),
        "s",
        "Two seconds are promised. Slow: look at render.articles above, and at MongoDB.",
        runbook="LuotdocRenderBehind",
    ),
    Panel(
        "Events handled within, 99 % by queue",
        "bargauge",
        (
            PromQuery(
                "histogram_quantile(0.99, sum by (le, queue) "
                '(rate(luotdoc_consume_age_seconds_bucket{service=~"render|stats"}[$__range])))',
                "{{queue}}",
            ),
        ),
        "s",
        "From the change to the end of its handling.",
        thresholds=limits(10, 60),
        empty="no event in the selected time",
        runbook="LuotdocEventsHandledLate",
    ),
    Panel(
        "Articles that differ, by subscriber",
        "bargauge",
        (
            PromQuery(
                'max by (subscriber, kind) (luotdoc_reconciliation_differences{service="ingest"})',
                "{{subscriber}}: {{kind}}",
            ),
        ),
        "short",
        "Compared every 5 minutes. missing or stale: replay the articles into the subscriber's "
        "queue. extra: see the runbook.",
        width=12,
        thresholds=(Threshold(None, "green"), Threshold(1, "red")),
        runbook="LuotdocReconciliationDiffers",
    ),
    Panel(
        "Last comparison, by subscriber",
        "bargauge",
        (
            PromQuery(
                "time() - max by (subscriber) "
                '(luotdoc_reconciliation_as_of_seconds{service="ingest"})',
                "{{subscriber}}",
            ),
        ),
        "s",
        "Over 15 minutes: ingest can't reach the subscriber's /state.",
        width=12,
        thresholds=limits(600, 900),
        runbook="LuotdocReconciliationStopped",
    ),
)

PIPELINE = Dashboard(
    "pipeline",
    "From the reader to the count, and from the article to its page.",
    (LabelVariable("instance", "Replica", 'luotdoc_ready{service=~"ingest|counter"}', "instance"),),
    (
        Row("Is the count right?", _RIGHT),
        Row("From the reader to the count", _COUNT),
        Row("What waits while a server is away", _WAITS),
        Row("Queues, and messages set aside", _PARKED),
        Row("Articles and events: how fresh", _FRESH),
    ),
)
