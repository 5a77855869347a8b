"""ingest whose spool can't be used, from its start on: confirms alone, and 503 only when RabbitMQ
is away too.
"""

import shutil

import pytest

from tests.support.system import System, until


async def readiness(system: System) -> tuple[int, str, str]:
    """Status of ingest's /readyz, its reason, and what is degraded."""
    answer = await system.http.get(f"{system.url('ingest')}/readyz")
    body = answer.json()
    return answer.status_code, body["reason"] or "", body.get("degraded", "")


@pytest.mark.parametrize("started_well", [False, True])
async def test_reads_go_on_by_confirm_alone(system: System, started_well: bool) -> None:
    folder = system.folder / "spool" / "ingest-1"
    folder.parent.mkdir(exist_ok=True)
    if not started_well:
        folder.write_text("no folder")
    await system.start("counter", flush_interval="0.1")
    await system.start("ingest", read_window=0, confirm_timeout="0.5")
    await system.put("a1")
    if started_well:
        assert await readiness(system) == (200, "", "")
        shutil.rmtree(folder)
        folder.write_text("no folder")

    async def degraded() -> bool:
        return "by RabbitMQ's confirm alone" in (await readiness(system))[2]

    await until(degraded, 5, "readyz tells")
    assert (await readiness(system))[:2] == (200, "")
    statuses = [(await system.read("a1")).status_code for _ in range(10)]
    assert statuses == [204] * 10
    system.broker.pause()
    try:
        for _ in range(3):
            answer = await system.read("a1")
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        status, reason, _ = await readiness(system)
        assert (status, "neither does the spool" in reason) == (503, True)
    finally:
        system.broker.resume()

    async def taken() -> bool:
        return (await system.read("a1")).status_code == 204

    await until(taken, 15, "RabbitMQ takes reads again")
    folder.unlink()

    async def well() -> bool:
        return await readiness(system) == (200, "", "")

    await until(well, 5, "the spool is used again")
    system.broker.pause()
    try:
        assert (await system.read("a1")).status_code == 204  # into the spool
        assert list(folder.glob("*.spool"))
    finally:
        system.broker.resume()

    async def counted() -> bool:
        return await system.counted() >= 12

    await until(counted, 15, "everything acknowledged is counted")
    text = system.replicas("ingest")[0].text()
    assert (
        text.count("the spool cannot be used, reads")
        == text.count("the spool can be used again")
        == 1
    )
    assert (
        12 <= await system.counted() <= 15 + 150
    )  # the refused ones may be counted, and those of `until`
