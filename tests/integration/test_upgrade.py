"""Setup and services of two releases beside each other: who waits, and what still works."""

import asyncio

import pytest
from pymongo import ASCENDING, IndexModel

from shared.base.settings import Settings
from shared.setup import setup
from shared.storage.collections import INDEXES
from tests.support.system import System, until

SERVICES = ("ingest", "render", "counter", "stats")


async def set_up(system: System) -> None:
    """What the Deployment `setup` runs."""
    await setup(
        Settings(amqp_url=system.broker.url_of("setup"), mongo_url=system.database.url_of("setup")),
        settle=0,
    )


@pytest.mark.parametrize("missing", ["collection", "index"])
async def test_a_service_waits_for_its_release_s_setup_and_says_so(
    system: System, missing: str
) -> None:
    """An upgrade may start the services before setup: they must not write without its indexes."""
    if missing == "collection":
        await system.db.drop_collection("slots")
    else:
        await system.db.ledger.drop_index("counted_at_1")
    started = [await system.start(service, wait=False) for service in SERVICES]
    wanted = {
        "collection": "it has no collection slots; has `python -m shared.setup` run?",
        "index": "it has no index counted_at_1 of the collection ledger; has",
    }[missing]
    for process in started:
        await until(lambda process=process: wanted in process.text(), 20, f"{process.name} says so")
        answer = await system.http.get(f"{process.url}/readyz")
        assert answer.status_code == 503
        assert answer.json()["reason"] == "starting: waiting for what it needs"
    await set_up(system)
    await asyncio.gather(*(system.ready(process) for process in started))


async def test_setup_of_the_next_release_and_then_of_this_one_leave_the_services_working(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    await system.start_all()
    await system.put("a1")

    async def is_known() -> bool:
        return (await system.read("a1", agent="curl/8.0")).status_code == 204

    await until(is_known, 10, "the article is known")
    with monkeypatch.context() as upgraded:
        upgraded.setitem(INDEXES, "next", [IndexModel([("at", ASCENDING)])])
        shorter = IndexModel([("counted_at", ASCENDING)], expireAfterSeconds=80 * 3600)
        upgraded.setitem(INDEXES, "ledger", [shorter])
        upgraded.setitem(INDEXES, "outbox", [*INDEXES["outbox"], IndexModel([("x", ASCENDING)])])
        await set_up(system)
    assert await expiry(system) == 80 * 3600
    assert (await system.read("a1")).status_code == 204

    async def counted(number: int) -> bool:
        return await system.counted() == number

    await until(lambda: counted(1), 15, "the old release counts after the new one's setup")

    await set_up(system)  # a step back
    assert await expiry(system) == 72 * 3600
    counter = system.replicas("counter")[0]
    assert await counter.stop() == 0
    await system.start("counter")
    assert (await system.read("a1", agent="Mozilla/5.0 (Windows NT 10.0; rv:141.0) "
                              "Gecko/20100101 Firefox/141.0")).status_code == 204  # fmt: skip
    await until(lambda: counted(2), 15, "it starts again and counts")
    await system.db.drop_collection("next")
    await system.db.outbox.drop_index("x_1")


async def expiry(system: System) -> int:
    """The ledger's, in seconds."""
    indexes = await system.db.ledger.index_information()
    return int(indexes["counted_at_1"]["expireAfterSeconds"])
