"""The dashboard *Services*: rate, errors, duration, saturation and restarts of each replica.

Long because it is one table of panels.
"""

from deploy.grafana.board import ALL, PART_OF, Dashboard, LabelVariable, Row
from deploy.grafana.panels import Panel, PromQuery, Threshold, limits
from deploy.grafana.queries import RATE_STEP, quantiles

_CHOSEN = 'service=~"$service", instance=~"$instance"'
_EACH = f"{{{ALL}, {_CHOSEN}}}"
_SITED = 'service=~"ingest|render|stats"'
_PROCESS = f"{{{PART_OF}, {ALL}, {_CHOSEN}}}"
_NAME = "{{instance}}"


def _per_replica(metric: str, selector: str) -> str:
    return f"sum by (service, instance) (rate({metric}{{{selector}, {_CHOSEN}}}{RATE_STEP}))"


_HEALTH = (
    Panel(
        "Can each replica do its job?",
        "stat",
        (PromQuery(f"luotdoc_ready{_EACH}", _NAME),),
        "none",
        "No: its /readyz says why. A replica that is missing here is down or not scraped.",
        width=12,
        height=6,
        thresholds=(Threshold(None, "red"), Threshold(1, "green")),
        said={0: ("no", "red"), 1: ("yes", "green")},
        runbook="LuotdocNotReady",
    ),
    Panel(
        "Is each replica connected to RabbitMQ?",
        "stat",
        (PromQuery(f"luotdoc_broker_up{_EACH}", _NAME),),
        "none",
        "No, at all of them: RabbitMQ. No, at one: its network, or its user.",
        width=12,
        height=6,
        thresholds=(Threshold(None, "red"), Threshold(1, "green")),
        said={0: ("no", "red"), 1: ("yes", "green")},
        runbook="LuotdocBrokerAway",
    ),
    Panel(
        "Does each replica use the site's file of now?",
        "stat",
        (PromQuery(f"1 - luotdoc_site_file_faulty{{{_SITED}, {_CHOSEN}}}", _NAME),),
        "none",
        "No: the file has faults, which the replica's log names. It uses the one of before.",
        width=24,
        height=4,
        thresholds=(Threshold(None, "yellow"), Threshold(1, "green")),
        said={0: ("no", "yellow"), 1: ("yes", "green")},
        runbook="LuotdocSiteFileFaulty",
    ),
    Panel(
        "Running for",
        "bargauge",
        (PromQuery(f"time() - process_start_time_seconds{_PROCESS}", _NAME),),
        "s",
        "A short bar beside long ones is a replica that has restarted.",
        width=6,
        runbook="LuotdocRestartsOften",
    ),
    Panel(
        "Restarts in the selected time",
        "bargauge",
        (PromQuery(f"changes(process_start_time_seconds{_PROCESS}[$__range])", _NAME),),
        "short",
        "Of a process under one name. An upgrade shows as one where names stay (ingest, compose), "
        "and as none for pods of a Deployment, which get new names. More: read the log of the run "
        "before.",
        width=6,
        thresholds=(Threshold(None, "green"), Threshold(3, "yellow")),
        decimals=0,
        runbook="LuotdocRestartsOften",
    ),
    Panel(
        "Replicas by version",
        "bargauge",
        (
            PromQuery(
                f"count by (service, version) (luotdoc_build_info{_EACH})",
                "{{service}} {{version}}",
            ),
        ),
        "short",
        "Two versions of a service: an upgrade is running, or has stopped half way.",
        width=6,
        decimals=0,
    ),
    Panel(
        "Servers that the gateway uses, by backend",
        "bargauge",
        (
            PromQuery(
                f'min by (proxy) (haproxy_backend_active_servers{{{PART_OF}, service="gateway"}})',
                "{{proxy}}",
            ),
        ),
        "short",
        "At the gateway that uses the fewest. At 0 it answers 503 to all requests of that kind.",
        width=6,
        thresholds=(Threshold(None, "red"), Threshold(1, "green")),
        empty="no gateway of ours is scraped",
        runbook="LuotdocGatewayHasNoServer",
        decimals=0,
    ),
)

_TRAFFIC = (
    Panel(
        "Pages a second, per replica of render",
        "timeseries",
        (PromQuery(_per_replica("luotdoc_pages_total", 'service="render"'), _NAME),),
        "reqps",
        "The lines are close to each other. One at 0: the gateway does not use that replica.",
        width=6,
    ),
    Panel(
        "Page reads a second, per replica of ingest",
        "timeseries",
        (
            PromQuery(
                _per_replica("luotdoc_reads_total", 'service="ingest", class="reader"'),
                "{{instance}}",
            ),
        ),
        "reqps",
        "The gateway sends all reads of an address to the same ingest, so lines may differ.",
        width=6,
    ),
    Panel(
        "API requests a second, per replica of ingest and stats",
        "timeseries",
        (
            PromQuery(
                _per_replica("luotdoc_http_requests_total", 'service=~"ingest|stats"'),
                _NAME,
            ),
        ),
        "reqps",
        "Editing and batches of reads at ingest, statistics at stats.",
        width=6,
    ),
    Panel(
        "Reads counted a second, per replica of counter",
        "timeseries",
        (
            PromQuery(
                _per_replica("luotdoc_counted_reads_total", 'service="counter"'), "{{instance}}"
            ),
        ),
        "reqps",
        "RabbitMQ spreads batches evenly. One at 0: look at its readiness and its slot.",
        width=6,
        runbook="LuotdocCounterHasNoSlot",
    ),
)

_ERRORS = (
    Panel(
        "Share of failed requests in the last hour, by surface",
        "bargauge",
        (PromQuery("luotdoc:failures:ratio1h", "{{surface}}"),),
        "percentunit",
        "One of 1,000 may fail (0.1 %). Above 1.4 % a person is called.",
        thresholds=limits(0.001, 0.0144),
        runbook="LuotdocErrorBudgetBurnsFast",
        decimals=2,
    ),
    Panel(
        "Requests that failed with 5xx, a second per replica",
        "timeseries",
        (
            PromQuery(
                _per_replica("luotdoc_pages_total", 'service="render", status=~"5.."'),
                "pages: {{instance}}",
            ),
            PromQuery(
                _per_replica(
                    "luotdoc_reads_total",
                    'service="ingest", class="reader", outcome="unavailable"',
                ),
                "page reads: {{instance}}",
            ),
            PromQuery(
                _per_replica(
                    "luotdoc_http_requests_total", 'service=~"ingest|stats", status=~"5.."'
                ),
                "API: {{instance}}",
            ),
        ),
        "reqps",
        "All pages, page reads and API requests lie at 0. Otherwise: that replica's log, by its "
        "correlation id.",
        runbook="LuotdocErrorBudgetBurnsFast",
    ),
    Panel(
        "Connections closed by the service in the selected time, by reason",
        "bargauge",
        (
            PromQuery(
                "sum by (reason) "
                f"(increase(luotdoc_http_connections_ended_total{_EACH}[$__range]))",
                "{{reason}}",
            ),
        ),
        "short",
        "idle and head are normal. full: readers are turned away, run more replicas.",
        decimals=0,
        runbook="LuotdocConnectionsFull",
    ),
)

_DURATION = (
    Panel(
        "Time to answer a page: half within the thin line, 99 % within the thick",
        "timeseries",
        quantiles("luotdoc_page_seconds", f'service="render", {_CHOSEN}'),
        "s",
        "Below a millisecond from memory. Above 0.5 s: MongoDB, or too few replicas.",
        thresholds=limits(0.5),
        runbook="LuotdocPagesSlow",
    ),
    Panel(
        "Time to answer a page read: half within the thin line, 99 % within the thick",
        "timeseries",
        quantiles("luotdoc_read_seconds", f'service="ingest", {_CHOSEN}'),
        "s",
        "Mostly RabbitMQ's confirm. Above 0.25 s a browser may give up.",
        thresholds=limits(0.25),
        runbook="LuotdocBeaconSlow",
    ),
    Panel(
        "Time to answer an API request: half within the thin line, 99 % within the thick",
        "timeseries",
        quantiles("luotdoc_http_seconds", f'service=~"ingest|stats", {_CHOSEN}'),
        "s",
        "Mostly MongoDB. A long list or a big article takes longer.",
    ),
)

_SATURATION = (
    Panel(
        "CPU cores in use, per replica",
        "timeseries",
        (
            PromQuery(
                "sum by (service, instance) "
                f"(rate(process_cpu_seconds_total{_PROCESS}{RATE_STEP}))",
                _NAME,
            ),
        ),
        "none",
        "A process uses one core at most. At 0.8 add a replica.",
        width=12,
        thresholds=limits(0.8),
    ),
    Panel(
        "Memory, per replica",
        "bargauge",
        (PromQuery(f"process_resident_memory_bytes{_PROCESS}", _NAME),),
        "bytes",
        "Grows with the articles in memory, then stays. Compare it with the limit of the pod.",
        width=12,
    ),
    Panel(
        "Open files, share of the limit",
        "bargauge",
        (PromQuery(f"process_open_fds{_PROCESS} / process_max_fds{_PROCESS}", _NAME),),
        "percentunit",
        "At 100 % connections are refused. Raise `ulimit -n`, or add replicas.",
        thresholds=limits(0.7, 0.9),
        maximum=1,
        decimals=1,
    ),
    Panel(
        "Open HTTP connections, per replica",
        "bargauge",
        (PromQuery(f"luotdoc_http_connections{_EACH}", _NAME),),
        "short",
        "At LUOTDOC_MAX_CONNECTIONS (4,096) new clients replace idle ones.",
        runbook="LuotdocConnectionsFull",
    ),
    Panel(
        "Requests in flight, per replica",
        "bargauge",
        (PromQuery(f"luotdoc_http_in_flight{_EACH}", _NAME),),
        "short",
        "Without page reads. Stays high: the service waits for MongoDB.",
    ),
)

SERVICES_BOARD = Dashboard(
    "service",
    "Rate, errors, duration, saturation and restarts of each replica.",
    (
        LabelVariable("service", "Service", f"luotdoc_ready{{{ALL}}}", "service"),
        LabelVariable(
            "instance", "Replica", f'luotdoc_ready{{{ALL}, service=~"$service"}}', "instance"
        ),
    ),
    (
        Row("Health", _HEALTH),
        Row("Rate", _TRAFFIC),
        Row("Errors", _ERRORS),
        Row("Duration", _DURATION),
        Row("Saturation", _SATURATION),
    ),
)
