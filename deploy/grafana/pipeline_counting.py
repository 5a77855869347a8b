"""Panels of the dashboard *Pipeline*: from the reader to the count. Pure."""

from deploy.grafana.panels import Panel, PromQuery, Threshold, limits
from deploy.grafana.queries import OF_QUEUES, quantiles

_INSTANCE = 'instance=~"$instance"'

RIGHT_PANELS = (
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
        (PromQuery(f'sum(max by (queue) ({OF_QUEUES}, queue=~".+[.]parked"}}))', "messages"),),
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

COUNT_PANELS = (
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
        "One flush is one transaction, each 0.4 s. Longer than a second: MongoDB is slow.",
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
        "Reads that recounts have moved, by class",
        "bargauge",
        (
            PromQuery(
                'max by (class) (luotdoc_books_corrected_reads{service="stats"})',
                "{{class}}",
            ),
        ),
        "short",
        "Since ever, and in the counts already: what `python -m services.counter recount` took "
        "from a class is below 0. The classes add up to 0.",
        minimum=None,
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
