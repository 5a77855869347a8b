"""How many processes a portal needs, and what they take. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, expm1, log

from deploy.capacity.measured import FLUSH_INTERVAL, MeasuredCosts
from deploy.capacity.portals import Portal, distinct_articles
from services.counter.pace import pause_after
from services.counter.settings import CounterSettings
from services.ingest.reads.batcher import GAP_SECONDS, IDLE_SECONDS
from services.ingest.settings import IngestSettings
from shared.storage.collections import LEDGER_HOURS

BUSY = 0.6
"""Share of a core, or of a queue's rate, that is planned for. The rest is for peaks and for what
an outage has left."""
LEAST = 2
"""Replicas of each service, so that one may end."""
OUTAGE_SECONDS = 600.0
DAY = 86_400.0
MOST = 1 << 16
"""Upper bound for replicas in the search for their number."""

FLUSH_READS = int(CounterSettings.model_fields["flush_reads"].default)
COUNTER_PREFETCH = int(CounterSettings.model_fields["prefetch"].default)
SPOOL_BYTES = int(IngestSettings.model_fields["spool_max_bytes"].default)


@dataclass(frozen=True)
class Load:
    """What one counter gets: reads and batches a second, from so many ingests."""

    portal: Portal
    reads: float
    batches: float
    ingests: int

    def documents(self, seconds: float) -> float:
        """Documents of a flush of what arrives in `seconds`: ledger entries, a count and a bucket
        for each article and for the site, and a page of the books for each ingest.
        """
        batches = self.batches * seconds
        articles = distinct_articles(self.portal.catalogue, self.reads * seconds)
        return batches + 2 * articles + 2 + min(self.ingests, batches)


@dataclass(frozen=True)
class Plan:
    """What a portal needs. Rates are per second, memory and disk in bytes."""

    portal: Portal
    ingests: int
    counters: int
    renders: int
    queues: int
    batches: float
    cores: dict[str, float]
    """Used at `portal.reads`, all replicas together, by process."""
    flush_seconds: float
    documents: float
    """That MongoDB writes a second."""
    ledger_entries: float
    ledger_bytes: float
    buckets_a_year: float
    """Bytes."""
    queue_bytes: float
    """In RabbitMQ after MongoDB was away for `OUTAGE_SECONDS`."""
    spool_bytes: float
    """Of one ingest, after RabbitMQ was away for as long."""


def batches_a_second(reads: float, ingests: int) -> float:
    """A batch for each read, and one after each second without reads, up to one each 5 ms.

    The mean time to the next read or the end of the second is (1 - exp(-x)) / x seconds, if x reads
    arrive in a second at random.
    """
    each = reads / ingests * IDLE_SECONDS
    sent = each / -expm1(-each) / IDLE_SECONDS
    return ingests * min(sent, 1 / GAP_SECONDS)


def cycle_of(measured: MeasuredCosts, load: Load) -> tuple[float, float]:
    """Seconds from one flush to the next, and of a flush.

    A flush starts a pause after the last one has ended (`services.counter.pace`), or once 50,000
    reads wait. Longer flushes gather more reads, so the cycle is found step by step.
    """
    cycle = FLUSH_INTERVAL
    seconds = 0.0
    for _ in range(20):
        seconds = measured.flush.of(load.documents(cycle))
        pause = pause_after(seconds, FLUSH_INTERVAL)
        cycle = seconds + min(pause, max(0.0, FLUSH_READS / load.reads - seconds))
    return cycle, seconds


def committed_at_most(measured: MeasuredCosts, load: Load) -> float:
    """Reads a second that one counter commits while its queue is never empty: at most 50,000 reads
    or 1,000 batches at a time.
    """
    held = min(FLUSH_READS / load.reads, COUNTER_PREFETCH / load.batches)
    seconds = measured.flush.of(load.documents(held))
    full = held * load.reads >= FLUSH_READS
    return held * load.reads / (seconds + (0.0 if full else pause_after(seconds, FLUSH_INTERVAL)))


# Long because each number rests on the one before it.
def plan(portal: Portal, measured: MeasuredCosts) -> Plan:
    """The smallest numbers of replicas that keep every part at `BUSY` of what it can do."""
    reads, a_day = portal.reads, portal.articles_a_day / DAY

    def enough_ingests(number: int) -> bool:
        used = measured.ingest.cores(reads, batches_a_second(reads, number))
        return used <= BUSY * number

    ingests = _least(enough_ingests)
    batches, in_batch = batches_a_second(reads, ingests), reads / batches_a_second(reads, ingests)

    def shared(number: int) -> Load:
        return Load(portal, reads / number, batches / number, ingests)

    def enough_counters(number: int) -> bool:
        used = measured.counter.cores(reads, batches)
        most = committed_at_most(measured, shared(number))
        return used <= BUSY * number and reads <= BUSY * number * most

    counters = _least(enough_counters)
    load = shared(counters)
    cycle, flush = cycle_of(measured, load)
    documents = load.documents(cycle)
    cores = {
        "ingest": measured.ingest.cores(reads, batches),
        "counter": measured.counter.cores(reads, batches),
        "render": reads * measured.page,
        "stats": LEAST * measured.stats_cores,
        "rabbitmq": measured.rabbitmq.cores(reads, batches),
        "mongod": counters / cycle * measured.mongod.of(documents),
    }
    for process, seconds in measured.article.items():
        cores[process] += a_day * seconds
    a_days_articles = distinct_articles(portal.catalogue, reads * DAY / counters)
    return Plan(
        portal=portal,
        ingests=ingests,
        counters=counters,
        renders=max(LEAST, ceil(cores["render"] / BUSY)),
        queues=ceil(batches / (BUSY * measured.confirmed)),
        batches=batches,
        cores=cores,
        flush_seconds=flush,
        documents=counters / cycle * documents,
        ledger_entries=batches * LEDGER_HOURS * 3600,
        ledger_bytes=batches * LEDGER_HOURS * 3600 * measured.ledger_entry,
        buckets_a_year=365 * (a_days_articles + 1) * counters * measured.bucket,
        queue_bytes=OUTAGE_SECONDS * reads * body_bytes(measured, in_batch) * measured.queued,
        spool_bytes=OUTAGE_SECONDS * reads / ingests * body_bytes(measured, in_batch),
    )


def body_bytes(measured: MeasuredCosts, reads: float) -> float:
    """Bytes for each read in a batch of so many, between two measured sizes on a log scale."""
    sizes = sorted(measured.wire)
    reads = min(max(reads, sizes[0]), sizes[-1])
    low = max(size for size in sizes[:-1] if size <= reads)
    high = min(size for size in sizes if size > low)
    part = log(reads / low) / log(high / low)
    return measured.wire[low] * (1 - part) + measured.wire[high] * part


def _least(enough: Callable[[int], bool]) -> int:
    """The smallest number from `LEAST` that is enough; more is never too few."""
    high = LEAST
    while not enough(high):
        if high > MOST:
            raise ValueError(f"more than {MOST:,} replicas would be needed")
        high *= 2
    low = max(LEAST, high // 2)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return low
