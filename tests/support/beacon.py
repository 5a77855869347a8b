"""A beacon without servers, with the checks that a test wants."""

from collections.abc import Callable

from luotdoc_subscriber.base.metrics import new_registry
from services.ingest.metrics import IngestMetrics
from services.ingest.reads.batcher import Batcher
from services.ingest.reads.beacon import Beacon
from services.ingest.reads.known import KnownArticles
from services.ingest.reads.limit import ReadLimit
from services.ingest.reads.pipeline import Pipeline, SaltSource
from services.ingest.reads.referrers import Referrers
from services.ingest.reads.visitors import ReloadWindow
from shared.web.addresses import Addresses, Network


def make_beacon(
    batcher: Batcher,
    known: KnownArticles,
    *,
    seconds: Callable[[], float] = lambda: 1000.0,
    salts: SaltSource = lambda: (20_782, b"salt", None),
    limit: int = 0,
    window: float = 60,
    entries: int = 100,
    trusted: tuple[Network, ...] = (),
    origin: str = "https://www.example.org",
) -> Beacon:
    """A beacon that filters bots, with one origin."""
    pipeline = Pipeline(
        batcher=batcher,
        known=known,
        limit=ReadLimit(limit, seconds),
        origins=(origin,),
        filter_bots=True,
        addresses=Addresses(trusted),
        window=ReloadWindow(window, entries, seconds),
        salts=salts,
        referrers=Referrers((origin,)),
    )
    return Beacon(pipeline=pipeline, known=known, metrics=IngestMetrics(new_registry()))
