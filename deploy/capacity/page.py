"""The tables of docs/capacity.md, as Markdown. Pure."""

from collections.abc import Iterable, Sequence

from deploy.capacity.checking import Checked
from deploy.capacity.limits import FAR, NEXT_LIMITS, passed_by, reached_at
from deploy.capacity.measured import MeasuredCosts
from deploy.capacity.plan import BUSY, LEAST, Plan
from services.counter.store import SLOTS

GB = 1e9


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table whose first column is text and whose others are figures."""
    lines = [f"| {' | '.join(head)} |", f"|---|{'---:|' * (len(head) - 1)}"]
    return [*lines, *(f"| {' | '.join(row)} |" for row in rows)]


def inputs(measured: MeasuredCosts) -> list[str]:
    """The measured costs."""
    micro = [
        (f"CPU of {name}", f"{cost.read * 1e6:.3g} µs a read and {cost.batch * 1e6:.3g} µs a batch")
        for name, cost in (
            ("ingest", measured.ingest),
            ("counter", measured.counter),
            ("RabbitMQ", measured.rabbitmq),
        )
    ]
    flush, mongod = measured.flush, measured.mongod
    article = sum(measured.article.values())
    rows = [
        *micro,
        ("CPU of render", f"{measured.page * 1e6:.3g} µs a page"),
        (
            "CPU of mongod",
            f"{mongod.fixed * 1e3:.3g} ms a flush and {mongod.each * 1e6:.3g} µs a document",
        ),
        ("a flush", f"{flush.each * 1e6:.3g} µs a document"),
        ("CPU of an article, all processes", f"{article * 1e3:.3g} ms"),
        ("one quorum queue confirms", f"{measured.confirmed:,.0f} batches a second"),
        ("a ledger entry on disk", f"{measured.ledger_entry:.0f} B"),
        ("a bucket on disk", f"{measured.bucket:.0f} B"),
        ("a queued batch on disk", f"{measured.queued:.2f} B for each byte of its body"),
        *(
            (f"a read in a batch of {size:,}", f"{each:.1f} B")
            for size, each in sorted(measured.wire.items())
        ),
        *(
            (f"memory of a warm {name}", f"{taken / (1 << 20):.0f} MiB")
            for name, taken in measured.memory.items()
        ),
    ]
    lines = table(("input", "measured"), rows)
    return [f"Measured {measured.at[:10]} at commit {measured.commit}.", "", *lines]


# Long because it is one table of figures.
def portals(plans: Sequence[Plan], measured: MeasuredCosts) -> list[str]:
    """What each portal needs: a column for each."""

    def row(name: str, *values: str) -> tuple[str, ...]:
        return (name, *values)

    def cores(name: str) -> tuple[str, ...]:
        return row(f"cores of {name}", *(f"{plan.cores[name]:.3g}" for plan in plans))

    memory = [
        sum(
            number * measured.memory[name]
            for name, number in (
                ("ingest", plan.ingests),
                ("counter", plan.counters),
                ("render", plan.renders),
                ("stats", LEAST),
            )
        )
        for plan in plans
    ]
    rows = [
        row("articles that are read", *(f"{plan.portal.catalogue:,}" for plan in plans)),
        row("articles a day", *(f"{plan.portal.articles_a_day:,}" for plan in plans)),
        row("ingests", *(f"{plan.ingests:,}" for plan in plans)),
        row("counters", *(f"{plan.counters:,}" for plan in plans)),
        row("renders", *(f"{plan.renders:,}" for plan in plans)),
        row("queues", *(f"{plan.queues:,}" for plan in plans)),
        *(cores(name) for name in ("ingest", "counter", "render", "stats", "rabbitmq", "mongod")),
        row("memory of the services, GB", *(f"{taken / GB:.2g}" for taken in memory)),
        row("batches a second", *(f"{plan.batches:,.0f}" for plan in plans)),
        row("reads in a batch", *(f"{plan.portal.reads / plan.batches:.3g}" for plan in plans)),
        row("documents written a second", *(f"{plan.documents:,.0f}" for plan in plans)),
        row("a flush, seconds", *(f"{plan.flush_seconds:.2f}" for plan in plans)),
        row("ledger, million entries", *(f"{plan.ledger_entries / 1e6:,.3g}" for plan in plans)),
        row("ledger on disk, GB", *(f"{plan.ledger_bytes / GB:.3g}" for plan in plans)),
        row("buckets a year, GB", *(f"{plan.buckets_a_year / GB:.3g}" for plan in plans)),
        row("RabbitMQ's disk, 10 min outage, GB", *(f"{p.queue_bytes / GB:.3g}" for p in plans)),
        row("an ingest's spool, same, MB", *(f"{p.spool_bytes / 1e6:.3g}" for p in plans)),
        row(
            "beyond the limit of",
            *(", ".join(each.name.split(":")[0] for each in passed_by(p)) or "–" for p in plans),
        ),
    ]
    return table(("reads a second", *(f"{plan.portal.reads:,.0f}" for plan in plans)), rows)


def limit_lines(measured: MeasuredCosts) -> list[str]:
    """Where the system ends."""
    found = sorted(
        ((reached_at(limit, measured), limit) for limit in NEXT_LIMITS), key=lambda each: each[0]
    )
    return [
        "| limit | reads a second | lifted by |",
        "|---|---:|---|",
        *(
            f"| {limit.name} | {'never' if reads == FAR else _two(reads)} | {limit.lifted_by} |"
            for reads, limit in found
        ),
    ]


def simulated(checked: Sequence[Checked]) -> list[str]:
    """What the simulation found."""
    head = ("reads a second", "scenario", "to counted: median, s", "99 of 100, s",
            "most batches in RabbitMQ", "most in spools", "drained after, s")  # fmt: skip
    return table(
        head,
        (
            (
                f"{each.plan.portal.reads:,.0f}",
                each.scenario.name,
                f"{each.outcome.delay(0.5):,.1f}",
                f"{each.outcome.delay(0.99):,.1f}",
                f"{each.outcome.queued:,.0f}",
                f"{each.outcome.spooled:,.0f}" if not each.scenario.rabbitmq else "–",
                f"{each.outcome.drained:,.0f}",
            )
            for each in checked
        ),
    )


def assumptions() -> str:
    """What the numbers of replicas rest on."""
    return (
        f"Every part is planned for at most {BUSY:.0%} of what it can do, and each service has at "
        f"least {LEAST} replicas. The product has {SLOTS} slots."
    )


def _two(value: float) -> str:
    """Two significant digits, all digits before the point."""
    return f"{float(f'{value:.2g}'):,.0f}"
