"""The measured costs, read from the file that `make bench ARGS="--json FILE"` writes. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from services.counter.settings import CounterSettings

BACKLOG_READS = 250
"""In a batch of the measure `counter`."""
FLUSH_INTERVAL = float(CounterSettings.model_fields["flush_interval"].default)
"""Seconds between two flushes, in the portals of the table."""

MIB = 1 << 20


@dataclass(frozen=True)
class Cost:
    """CPU seconds of one process: for each read, and for each batch besides."""

    read: float
    batch: float

    def cores(self, reads: float, batches: float) -> float:
        """Cores in use at so many reads and batches a second."""
        return self.read * reads + self.batch * batches


@dataclass(frozen=True)
class CostLine:
    """A cost that grows with the number of documents: `fixed + each * documents`."""

    fixed: float
    each: float

    def of(self, documents: float) -> float:
        """The cost of so many documents."""
        return self.fixed + self.each * documents


@dataclass(frozen=True)
class MeasuredCosts:
    """Times in seconds, memory and disk in bytes."""

    at: str
    commit: str
    ingest: Cost
    counter: Cost
    rabbitmq: Cost
    flush: CostLine
    """Seconds of a flush, by the documents that it writes."""
    mongod: CostLine
    """CPU seconds of mongod for a flush."""
    stats_cores: float
    """Cores of one stats with one client that asks 50 times a second."""
    page: float
    article: Mapping[str, float]
    """CPU seconds of an article, from the PUT to the page, by process."""
    memory: Mapping[str, float]
    """Resident bytes of a warm process."""
    confirmed: float
    """Batches a second that one quorum queue confirms."""
    ledger_entry: float
    bucket: float
    queued: float
    """Bytes on RabbitMQ's disk for each byte of a batch's body."""
    wire: Mapping[int, float]
    """Bytes of a batch's body for each read, by the reads in the batch."""
    bench_rate: float
    """Reads a second of the measure `freshness`, with one ingest, one counter and one stats."""
    bench_delay: float
    """Its median, in seconds from the answer 204 to the first `/stats/site` that shows the read."""


# Long because it is one table of names.
def parse_costs(document: Mapping[str, Any]) -> MeasuredCosts:
    """Read a report of the bench. Raises ValueError that names a figure which is missing."""
    reached = {f"{f['measure']}, {f['name']}": float(f["reached"]) for f in document["figures"]}

    def take(name: str) -> float:
        if name not in reached:
            raise ValueError(
                f"the bench's report has no figure {name!r}: run it with the measures counter, "
                "freshness, wire and costs"
            )
        return reached[name]

    dense, lone = "freshness, CPU of ", "costs, 100 reads a second: CPU of "
    in_dense = take("freshness, reads per ledger entry")
    in_lone = take("costs, 100 reads a second: reads per ledger entry")
    ingest = _cost(take(f"{lone}ingest"), in_lone, take(f"{dense}ingest"), in_dense)
    counter = _cost(
        take(f"{dense}counter"), in_dense, take("counter, CPU of counter"), BACKLOG_READS
    )
    rate = take("freshness, reads sent")
    flush = "costs, a flush of 100 batches and 2,000 articles"
    return MeasuredCosts(
        at=str(document["at"]),
        commit=str(document["commit"]),
        ingest=ingest,
        counter=counter,
        rabbitmq=Cost(0.0, take(f"{dense}rabbitmq") * in_dense / 1e6),
        flush=CostLine(0.0, take(flush) / take(f"{flush}: documents written")),
        mongod=_line(*_mongod(take, "freshness", rate), *_mongod(take, "counter", 0.0)),
        stats_cores=take(f"{dense}stats") / 1e6 * rate,
        page=take("costs, a page: CPU of render") / 1e6,
        article={
            name: take(f"costs, an article: CPU of {name}") / 1e6
            for name in ("ingest", "render", "stats", "rabbitmq", "mongod")
        },
        memory={
            "ingest": take("costs, after reads without a pause: memory of ingest") * MIB,
            "counter": take("costs, after reads without a pause: memory of counter") * MIB,
            "stats": take("costs, after reads without a pause: memory of stats") * MIB,
            "render": take("costs, after pages without a pause: memory of render") * MIB,
        },
        confirmed=take("costs, batches confirmed by one quorum queue"),
        ledger_entry=take("costs, bytes on disk of a ledger entry"),
        bucket=take("costs, bytes on disk of a bucket"),
        queued=take("costs, bytes on disk for each byte of a queued batch"),
        wire={
            size: take(f"wire, version 2, batch of {size:,}: bytes") for size in (1, 100, 5_000)
        },
        bench_rate=rate,
        bench_delay=take("freshness, from 204 to visible in /stats/site: median"),
    )  # fmt: skip


def _mongod(take: Callable[[str], float], measure: str, rate: float) -> tuple[float, float]:
    """Documents of a flush, and mongod's CPU seconds for them, at `rate` reads a second with a
    flush each interval of then; without a rate, with as many reads in a flush as were measured.
    """
    reads = rate * take("costs, flush interval") or take(f"{measure}, reads per flush")
    documents = take(f"{measure}, MongoDB documents written") / 1_000 * reads
    return documents, take(f"{measure}, CPU of mongod") / 1e6 * reads


def _cost(few: float, few_reads: float, many: float, many_reads: float) -> Cost:
    """Split the µs of a read, measured with few and with many reads in a batch. A part that noise
    has made negative is 0, and the other one then covers the dearer measurement.
    """
    batch = (few - many) / (1 / few_reads - 1 / many_reads)
    if batch < 0:
        return Cost(max(few, many) / 1e6, 0.0)
    read = many - batch / many_reads
    if read < 0:
        return Cost(0.0, max(few * few_reads, many * many_reads) / 1e6)
    return Cost(read / 1e6, batch / 1e6)


def _line(few: float, small: float, many: float, large: float) -> CostLine:
    """The line through two measurements; a negative part is 0 as in `_cost`."""
    each = (large - small) / (many - few)
    if each < 0:
        return CostLine(max(small, large), 0.0)
    fixed = small - each * few
    return CostLine(fixed, each) if fixed >= 0 else CostLine(0.0, max(small / few, large / many))
