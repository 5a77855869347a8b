"""An operator makes all projections before the first stats starts."""

import asyncio

from luotdoc_subscriber.base.clock import now
from shared.storage import mongo
from tests.integration.test_archive_killed import fill
from tests.support.system import System, until


async def test_an_operator_makes_all_projections(system: System) -> None:
    client, db = mongo.connect(system.database.url, "test")
    await fill(client, db)
    counted = sum([count["reads"] async for count in db.counts.find({"article": "*"})])
    both = await asyncio.gather(
        *(system.command("services.stats", "projections") for _ in range(2))
    )
    assert [done.returncode for done in both] == [0, 0], both[0].stderr
    assert {done.stdout for done in both} == {"every projection is made\n"}
    made = await db.projections.find({"kind": {"$in": ["day", "month", "sections"]}}).to_list(None)
    closed = now()
    kinds = {kind: [each for each in made if each["kind"] == kind] for kind in ("day", "month")}
    for found in kinds.values():
        # What is of open time, such as today's, is in none.
        assert 0 < sum(each["site"] for each in found) <= counted
        assert all(sum(each["reads"].values()) == each["site"] for each in found)
    stats = await system.start("stats")

    async def ready() -> bool:
        text = (await system.http.get(f"{stats.url}/metrics")).text
        return "luotdoc_traffic_windows_not_ready 0.0" in text and (
            "luotdoc_traffic_projections_missing 0.0" in text
        )

    await until(ready, 30, "stats finds nothing to make")
    later = {"kind": {"$in": ["day", "month", "sections"]}, "made_at": {"$gt": closed}}
    assert await db.projections.count_documents(later) == 0
    print(f"\n{len(made)} projections made by the command, none by stats")
    client.close()
