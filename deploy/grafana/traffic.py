"""The dashboard *Traffic*: what is read, by whom, and which articles."""

from deploy.grafana.board import Dashboard, LabelVariable, ListVariable, Row, StepVariable
from deploy.grafana.panels import Panel, PromQuery, limits
from deploy.grafana.traffic_figures import (
    ARTICLES,
    COMPARED,
    COMPARISONS,
    FIGURES,
    LAST_STEP,
    OVER_TIME,
    READERS,
    SECTIONS,
    STEPS,
    WINDOWS,
)

_READER = 'luotdoc_reads_total{service="ingest", class="reader"'
_PAGES = (
    'luotdoc_pages_total{service="render", kind=~"article|list", status=~"200|304", '
    'section=~"$section"}'
)
_ACCEPTED = 'sum(luotdoc:reads:rate5m{outcome="counted"}'
VERDICTS = {
    "counted": "people: counted",
    "reload": "people: reload, not counted again",
    "bot": "bots",
    "prefetch": "fetched ahead by a browser",
    "origin": "sent by a page of another site",
    "limit": "over the limit of an address",
    "unknown": "no such article",
    "invalid": "not a valid request",
    "unavailable": "refused with 503",
}
"""What `luotdoc_reads_total` calls an outcome, and what the panel calls it."""


_READS = (
    Panel(
        "Reads accepted a second: today thick, yesterday dashed, a week ago dotted",
        "timeseries",
        (
            PromQuery(f"{_ACCEPTED})", "today", "thick"),
            PromQuery(f"{_ACCEPTED} offset 1d)", "yesterday", "dashed"),
            PromQuery(f"{_ACCEPTED} offset 1w)", "a week ago", "dotted"),
        ),
        "reqps",
        "Reads of people that ingest accepted to be counted. Far below both others: readers don't "
        "reach the beacon, or no page carries it. Look at Services for errors, and open an article "
        "in a browser.",
        width=16,
        height=8,
    ),
    Panel(
        "Page reads in the selected time, by verdict",
        "bargauge",
        (PromQuery(f"sum by (outcome) (increase({_READER}}}[$__range]))", "{{outcome}}"),),
        "short",
        "What ingest made of each read that a page sent. Many refused: RabbitMQ and the spool are "
        "both unusable. Many of other sites: look at LUOTDOC_READ_ORIGINS.",
        height=8,
        renamed=VERDICTS,
        decimals=0,
    ),
    Panel(
        "Reads a second: from pages thick, from servers and apps thin",
        "timeseries",
        (
            PromQuery('sum(luotdoc:reads:rate5m{class="reader"})', "from pages", "thick"),
            PromQuery('sum(luotdoc:reads:rate5m{class="batch"})', "from servers and apps", "thin"),
        ),
        "reqps",
        "Everything that was answered, counted or not. A sudden end of one line: that client has "
        "stopped, or its requests don't arrive.",
    ),
    Panel(
        "Share of page reads that are judged to be bots",
        "timeseries",
        (
            PromQuery(
                f'sum(rate({_READER}, outcome="bot"}}[$__rate_interval])) '
                f"/ sum(rate({_READER}}}[$__rate_interval]))",
                "bots",
                "thick",
            ),
        ),
        "percentunit",
        "A jump is a crawler that runs scripts, or people who are taken for bots after an upgrade "
        "or a new browser. Look at the user agents in the log of what stands in front of our "
        "gateway, which logs no requests.",
        thresholds=limits(0.5),
        runbook="LuotdocBotShareJumps",
    ),
    Panel(
        "Reads of people a second",
        "stat",
        (PromQuery('sum(luotdoc:reads:rate5m{class="reader", outcome="counted"})', "now"),),
        "reqps",
        "The average of five minutes.",
        width=4,
        decimals=1,
    ),
    Panel(
        "Pages a second",
        "stat",
        (PromQuery(f"sum(rate({_PAGES}[5m]))", "now"),),
        "reqps",
        "Articles and lists that were served, in the selected sections; bots and prefetches "
        "included. Far more than reads: a crawler, or pages whose beacon doesn't work.",
        width=4,
        decimals=1,
    ),
)

_SECTIONS = (
    SECTIONS,
    Panel(
        "Pages a second by section, now",
        "bargauge",
        (
            PromQuery(
                f"label_replace(sum by (section) (rate({_PAGES}[5m])), "
                '"section", "front page", "section", "")',
                "{{section}}",
            ),
        ),
        "reqps",
        "Articles and lists served. `other` is every section that LUOTDOC_SECTIONS does not name: "
        "add it there to see it.",
        width=10,
        height=9,
        decimals=2,
    ),
    Panel(
        "Pages a second: $section",
        "timeseries",
        (PromQuery(f"sum(rate({_PAGES}[$__rate_interval]))", "pages", "thick"),),
        "reqps",
        "A section that falls to nothing has lost its links or its articles: open it.",
        width=4,
        height=5,
        repeat="section",
    ),
)

TRAFFIC = Dashboard(
    "traffic",
    "What is read, by whom, and which articles.",
    (
        LabelVariable(
            "section", "Section", 'luotdoc_pages_total{service="render", kind="list"}', "section"
        ),
        ListVariable("compare", "Compared with", tuple(COMPARED), "last_week", COMPARED),
        ListVariable("window", "Window of the most read", WINDOWS, "24h"),
        StepVariable("step", "Bars of", STEPS, LAST_STEP),
    ),
    (
        Row("The site", FIGURES),
        Row("Beside an earlier period, until the last quarter of an hour", COMPARISONS),
        Row("Reads as they arrive", _READS),
        Row("Readers", READERS),
        Row("Counted reads over the selected time", OVER_TIME),
        Row("Articles", ARTICLES),
        Row("Sections", _SECTIONS),
    ),
    hours=24,
)
