"""The operator's command `projections`: makes all that are missing now, with a progress bar."""

from zoneinfo import ZoneInfo

from luotdoc_subscriber.base.clock import now
from luotdoc_subscriber.base.metrics import new_registry
from luotdoc_subscriber.base.plainly import say
from luotdoc_subscriber.base.progress import ProgressLine
from services.stats.metrics import StatsMetrics
from services.stats.settings import StatsSettings
from services.stats.traffic.maker import Maker
from services.stats.traffic.sections.store import SectionStore
from services.stats.traffic.site_courses import SiteMemory
from services.stats.traffic.store import TrafficStore
from services.stats.traffic.windows import closed_until
from shared.storage import mongo

STEP_SECONDS = 2.0
"""Time between two moves of the progress bar."""


async def make_projections(settings: StatsSettings) -> int:
    """Make every projection that is missing or not right. Returns the exit status.

    Raises `Transient` and `Refused`. It may be stopped and repeated, and stats may run.
    """
    client, db = mongo.connect(settings.mongo_url, "stats-projections")
    zone, store = ZoneInfo(settings.time_zone), TrafficStore(client, db)
    maker = Maker(
        store,
        SectionStore(client, db, store, clock=now),
        StatsMetrics(new_registry()),
        clock=now,
        zone=zone,
        step_seconds=STEP_SECONDS,
    )
    site = SiteMemory(store)
    try:
        await mongo.reach(client, "stats")
        with ProgressLine("projections") as line:
            total, more = 0, True
            while more:
                async with store.snapshot() as session:
                    courses = await site.read(session, closed_until(now(), zone))
                more = await maker.step(courses)
                total = max(total, maker.missing)
                line.advance(total - maker.missing, total)
    finally:
        await mongo.close(client)
    say("every projection is made")
    return 0
