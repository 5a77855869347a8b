"""Where the system ends, and what lifts each limit. Pure."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from deploy.capacity.measured import MeasuredCosts
from deploy.capacity.plan import BUSY, SPOOL_BYTES, Plan, plan
from deploy.capacity.portals import PORTALS
from services.counter.store import SLOTS

GATEWAY_INGESTS = 20
"""Servers of the backend `ingest` in deploy/k8s/components/gateway/servers.cfg. A test compares the
two."""
PRIMARY_CORES = 16
"""Of the machine for MongoDB's primary: an assumption, like the portals."""
FLUSH_SECONDS = 1.0
"""A longer flush shows in the counts as a delay."""
SHAPE = PORTALS[2]
"""The limits are those of a portal with this catalogue."""
FAR = 1e9


@dataclass(frozen=True)
class Limit:
    """`passed` says whether a plan needs more than there is; `lifted_by` what to do then."""

    name: str
    passed: Callable[[Plan], bool]
    lifted_by: str


NEXT_LIMITS = (
    Limit(
        "spool of an ingest: `LUOTDOC_SPOOL_MAX_BYTES` and 10 minutes without RabbitMQ",
        lambda plan: plan.spool_bytes > SPOOL_BYTES,
        "a larger `LUOTDOC_SPOOL_MAX_BYTES` and volume",
    ),
    Limit(
        "gateway: 20 ingests",
        lambda plan: plan.ingests > GATEWAY_INGESTS,
        "more servers in `servers.cfg`, then several gateways behind one address",
    ),
    Limit(
        "queue: one `counter.reads`",
        lambda plan: plan.queues > 1,
        "several queues behind a consistent-hash exchange on the batch's id, or a super stream",
    ),
    Limit(
        "counters: 16 slots",
        lambda plan: plan.counters > SLOTS,
        "more slots (`SLOTS`), or longer gaps between batches, so that a flush has fewer entries",
    ),
    Limit(
        "MongoDB: a primary with 16 cores",
        lambda plan: plan.cores["mongod"] > BUSY * PRIMARY_CORES,
        "sharded collections: `counts` and `buckets` by article, `ledger` by hashed id",
    ),
    Limit(
        "flush: 1 second",
        lambda plan: plan.flush_seconds > FLUSH_SECONDS,
        "more counters than their CPU needs, each with fewer articles in a flush",
    ),
)


def reached_at(limit: Limit, measured: MeasuredCosts) -> float:
    """The reads a second at which `limit` is passed, to 2 %; `FAR` if it never is."""
    low, high = 1.0, FAR

    def passed(reads: float) -> bool:
        return limit.passed(plan(replace(SHAPE, reads=reads), measured))

    if not passed(high):
        return FAR
    while high / low > 1.02:
        middle = (low * high) ** 0.5
        low, high = (low, middle) if passed(middle) else (middle, high)
    return high


def passed_by(plan: Plan) -> list[Limit]:
    """The limits that a portal is beyond."""
    return [limit for limit in NEXT_LIMITS if limit.passed(plan)]
