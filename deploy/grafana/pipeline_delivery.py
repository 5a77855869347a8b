"""Panels of the dashboard *Pipeline*: what waits, what is parked, and how fresh pages are. Pure."""

from deploy.grafana.panels import Panel, PromQuery, Threshold, limits
from deploy.grafana.queries import OF_QUEUES, RATE_STEP, quantiles

_INSTANCE = 'instance=~"$instance"'

WAITS_PANELS = (
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
                f'{{service="ingest", way="confirmed", {_INSTANCE}}}{RATE_STEP}))',
                "confirmed by RabbitMQ",
                "thick",
            ),
            PromQuery(
                "sum(rate(luotdoc_read_batches_total"
                f'{{service="ingest", way="spooled", {_INSTANCE}}}{RATE_STEP}))',
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

PARKED_PANELS = (
    Panel(
        "Messages waiting, by queue",
        "bargauge",
        (PromQuery(f'max by (queue) ({OF_QUEUES}, queue!~".+[.]parked"}})', "{{queue}}"),),
        "short",
        "No suffix: work. `….retry.…`: failed, tried again later.",
        height=10,
        width=9,
        thresholds=(Threshold(None, "green"), Threshold(1000, "yellow")),
        runbook="LuotdocQueueLong",
    ),
    Panel(
        "Messages parked now, by queue",
        "bargauge",
        (PromQuery(f'max by (queue) ({OF_QUEUES}, queue=~".+[.]parked"}})', "{{queue}}"),),
        "short",
        "Set aside until an operator redrives or discards them. A single one is a fault.",
        height=10,
        width=5,
        thresholds=(Threshold(None, "green"), Threshold(1, "red")),
        runbook="LuotdocMessagesParked",
    ),
    Panel(
        "Messages parked since the start, by queue and reason",
        "bargauge",
        (
            PromQuery(
                "sum by (queue, reason) "
                '(luotdoc_parked_total{service=~"render|counter|stats"}) > 0',
                "{{queue}}: {{reason}}",
            ),
        ),
        "short",
        "The reasons are in the runbook under Parked messages.",
        width=5,
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
        width=5,
        height=10,
        empty="none is parked",
        thresholds=(Threshold(None, "yellow"), Threshold(86400, "red")),
        runbook="LuotdocParkedTooLong",
    ),
)

FRESH_PANELS = (
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
