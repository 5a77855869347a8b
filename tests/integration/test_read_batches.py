"""`POST /reads/batch`: sent any number of times, to any replica, counted once."""

import asyncio
import time
from typing import Any

import httpx

from tests.support.system import EDITOR, READS_ONLY, System, until

READER = {"authorization": f"Bearer {READS_ONLY}"}


async def _send(
    system: System, url: str, key: str, articles: list[str], **headers: str
) -> httpx.Response:
    body = {"reads": [{"article": article} for article in articles]}
    return await system.http.post(
        f"{url}/reads/batch", json=body, headers=READER | {"idempotency-key": key} | headers
    )


async def test_counted_once(system: System) -> None:
    first, second = await system.start("ingest"), await system.start("ingest")
    await system.start_all(ingest=0, counter=2, flush_interval="0.1")
    await system.put("a1")
    await system.put("a2")
    wanted = ["a1"] * 3 + ["nobody"] + ["a2"]
    answers = await asyncio.gather(
        *(
            _send(system, process.url, "key-1", wanted)
            for process in (first, second)
            for _ in range(10)
        )
    )
    assert {answer.status_code for answer in answers} == {200}
    assert all(answer.json() == {"accepted": 4, "unknown": ["nobody"]} for answer in answers)
    await system.put("nobody")  # known now, but the key's first answer stands
    assert (await _send(system, second.url, "key-1", wanted)).json() == {
        "accepted": 4,
        "unknown": ["nobody"],
    }
    assert (await _send(system, first.url, "key-2", ["a1"])).json() == {
        "accepted": 1,
        "unknown": [],
    }
    await until(lambda: _counted(system, 5), 10, "both batches are counted")

    async def settled() -> bool:
        pages: list[int] = [d["duplicates"] async for d in system.db.books.find()]
        return sum(pages) == 20

    await until(settled, 10, "every repetition was caught by the ledger")
    assert await system.by_article() == {"a1": 4, "a2": 1}
    books = (await system.http.get(f"{system.url('stats')}/stats/reconciliation")).json()
    assert (books["counted"], books["balance"]) == (5, 0)


async def _counted(system: System, number: int) -> bool:
    return await system.counted() >= number


async def test_a_repetition_that_the_counter_would_not_take_is_not_accepted(system: System) -> None:
    await system.start_all(counter=1, flush_interval="0.1")
    await system.put("a1")
    url = system.url("ingest")
    assert (await _send(system, url, "key", ["nobody"])).json()[
        "accepted"
    ] == 0  # its note is there, no batch is

    async def aged(hours: float) -> httpx.Response:
        minted = int((time.time() - hours * 3600) * 1000)
        await system.db.read_keys.update_one({}, {"$set": {"minted_at": minted, "unknown": []}})
        return await _send(system, url, "key", ["nobody"])

    late = await aged(71.01)
    assert (late.status_code, late.headers["content-type"]) == (409, "application/problem+json")
    assert "first used more than 71 hours ago" in late.json()["detail"]
    assert (await aged(70.9)).json() == {"accepted": 1, "unknown": []}
    await until(lambda: _counted(system, 1), 10, "what was accepted is counted")
    assert await system.db.parked.count_documents({}) == 0
    told = (await system.http.get(f"{url}/openapi.json")).json()["paths"]["/reads/batch"]["post"][
        "description"
    ]
    assert "repeated for 71 hours" in told
    assert "96 hours after its first use it is forgotten" in told


async def test_another_body_or_token_under_the_same_key(system: System) -> None:
    ingest = await system.start("ingest")
    await system.put("a1")
    assert (await _send(system, ingest.url, "key", ["a1"])).status_code == 200
    other = await _send(system, ingest.url, "key", ["a1", "a1"])
    assert (other.status_code, other.json()["errors"][0]["path"]) == (422, "Idempotency-Key")
    # Another client's key is another key.
    assert (await _send(system, ingest.url, "key", ["a1", "a1"], **EDITOR)).status_code == 200
    kept = [d async for d in system.db.read_keys.find()]
    assert len(kept) == 2
    assert all(d["_id"].startswith("h") and len(d["_id"]) == 65 for d in kept)


async def test_bad_batches_name_the_field(system: System) -> None:
    ingest = await system.start("ingest")
    url, key = f"{ingest.url}/reads/batch", {"idempotency-key": "k"}
    cases: list[tuple[Any, dict[str, str], int, str]] = [
        ({"reads": [{"article": "a1"}]}, READER, 422, "Idempotency-Key"),
        (
            {"reads": [{"article": "a1"}]},
            READER | {"idempotency-key": "x" * 256},
            422,
            "Idempotency-Key",
        ),
        ({"reads": []}, READER | key, 422, "reads"),
        ({"reads": [{"article": "a1"}] * 1001}, READER | key, 422, "reads"),
        ({"reads": [{"article": "A"}]}, READER | key, 422, "reads.0.article"),
        ({"reads": [{"article": "a1", "n": 1}]}, READER | key, 422, "reads.0.n"),
        ({"reads": "a1"}, READER | key, 422, "reads"),
        ({}, READER | key, 422, "reads"),
        ([], READER | key, 422, "body"),
    ]
    for body, headers, status, path in cases:
        answer = await system.http.post(url, json=body, headers=headers)
        assert answer.status_code == status
        assert answer.json()["errors"][0]["path"] == path
    assert (await system.http.post(url, json={}, headers=key)).status_code == 401
    assert (
        await system.http.post(url, content=b"x" * 200_000, headers=READER | key)
    ).status_code == 413


async def test_durable_in_the_spool_while_rabbitmq_is_away(system: System) -> None:
    ingest = await system.start("ingest", confirm_timeout="0.5")
    await system.put("a1")
    system.broker.pause()
    try:
        for _ in range(3):
            assert (await _send(system, ingest.url, "outage", ["a1", "a1"])).status_code == 200
    finally:
        system.broker.resume()
    await system.start("counter", flush_interval="0.1")
    await until(lambda: _counted(system, 2), 15, "it is counted")
    await asyncio.gather(*(process.stop() for process in list(system.processes)))
    assert await system.counted() == 2
