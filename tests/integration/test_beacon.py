"""The read beacon: what is counted, what is filtered, what is refused."""

import asyncio
import re
import time
from typing import Literal

import aio_pika
import httpx
import pytest

from shared.base.settings import Settings
from shared.rabbit import topology
from shared.setup import setup
from tests.support.system import BROWSER, PATIENCE, Process, System, until


async def test_outcomes(system: System) -> None:
    await system.start_all(flush_interval="0.1")
    await system.put("a1")
    await system.put("a2")
    url = f"{system.url('ingest')}/reads"
    first = await system.read("a1")
    assert (first.status_code, first.headers["luotdoc-read"]) == (204, "counted")
    reload = await system.read("a1")
    assert (reload.status_code, reload.headers["luotdoc-read"]) == (204, "filtered; reason=reload")
    assert (await system.read("a2")).headers["luotdoc-read"] == "counted"
    assert (await system.read("a1", agent=BROWSER + " other")).headers["luotdoc-read"] == "counted"
    for agent in ("Googlebot/2.1 (+http://www.google.com/bot.html)", "curl/8.0", ""):
        bot = await system.read("a1", agent=agent)
        assert (bot.status_code, bot.headers["luotdoc-read"]) == (204, "filtered; reason=bot"), (
            agent
        )
    beacon = await system.http.post(
        url,
        content='{"article":"a1"}',
        headers={"content-type": "text/plain;charset=UTF-8", "user-agent": BROWSER + " b"},
    )
    assert (beacon.status_code, beacon.headers["luotdoc-read"]) == (204, "counted")
    pixel = await system.http.get(f"{url}.gif?article=a1", headers={"user-agent": BROWSER + " c"})
    assert (pixel.status_code, pixel.headers["content-type"]) == (200, "image/gif")
    assert pixel.headers["cache-control"] == "no-store"

    async def books() -> dict[str, object]:
        return dict((await system.http.get(f"{system.url('stats')}/stats/reconciliation")).json())

    async def all_in() -> bool:
        return (await books())["accepted"] == 9

    await until(all_in, 5, "filtered reads are in the books")
    told = await books()
    assert (told["counted"], told["filtered"], told["balance"]) == (5, {"reload": 1, "bot": 3}, 0)
    assert await system.by_article() == {"a1": 4, "a2": 1}
    # No address, user agent or cookie is stored anywhere.
    for name in await system.db.list_collection_names():
        async for document in system.db[name].find():
            assert "127.0.0.1" not in str(document).replace("http://127.0.0.1", "").replace(
                "http%3A%2F%2F127.0.0.1", ""
            ), name
            assert "Firefox" not in str(document), name


OURS = "https://www.example.org"


@pytest.mark.parametrize("way", ["post", "slow", "gif"])
async def test_who_sees_a_page_and_whose_page_it_is(system: System, way: str) -> None:
    ingest = await system.start("ingest", read_origins=f"{OURS}, https://m.example.org:8443")
    await system.put("a1")
    number = 0

    async def read(**signs: str) -> str:
        nonlocal number
        number += 1
        headers = {name.replace("_", "-"): value for name, value in signs.items()}
        headers["user-agent"] = f"{BROWSER} {number}"
        if way == "gif":
            answer = await system.http.get(f"{ingest.url}/reads.gif?article=a1", headers=headers)
        else:
            if way == "slow":  # past the way of plain requests
                headers["connection"] = "close"
            answer = await system.http.post(
                f"{ingest.url}/reads", json={"article": "a1"}, headers=headers
            )
        return answer.headers["luotdoc-read"]

    for signs in (
        {"sec_purpose": "prefetch"},
        {"sec_purpose": "prefetch;prerender"},
        {"sec_purpose": "prefetch;anonymous-client-ip"},
        {"purpose": "prefetch"},
        {"x_moz": "prefetch"},
        {"x_purpose": "preview"},
        {"Sec_Purpose": "Prefetch", "sec_fetch_site": "cross-site"},
    ):
        assert await read(**signs) == "filtered; reason=prefetch", signs
    for signs in (
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "cross-site", "origin": "https://elsewhere.example"},
        {"origin": "https://elsewhere.example"},
        {"origin": "http://www.example.org"},
        {"origin": "https://www.example.org.evil.example"},
        {"origin": "null"},
        {"sec_fetch_site": "same-site", "origin": "https://blog.example.org"},
    ):
        assert await read(**signs) == "filtered; reason=origin", signs
    for signs in (
        {},
        {"origin": OURS},
        {"origin": "https://m.example.org:8443", "sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-origin"},
        {"sec_fetch_site": "same-origin", "origin": "https://another-name.example"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "none"},
        {"sec_purpose": "", "purpose": "navigate"},
    ):
        assert await read(**signs) == "counted", signs
    assert await system.counted() == 0  # no counter runs; the books have them once one does
    await system.start("counter", flush_interval="0.1")

    async def reasons() -> dict[str, int]:
        books = await system.db.books.find_one({}) or {}
        return dict(books.get("filtered", {}))

    async def all_in() -> bool:
        # The flush that counts the last read may come after the one with the last reason.
        return await reasons() == {"prefetch": 7, "origin": 7} and await system.counted() >= 8

    await until(all_in, 10, "the books carry the reasons, and the other reads are counted")
    assert await system.counted() == 8


async def test_an_address_that_reads_too_much_is_told_to_wait(system: System) -> None:
    ingest = await system.start("ingest", read_limit=60, trusted_proxies="127.0.0.0/8")
    await system.put("a1")

    async def read(number: int, address: str) -> httpx.Response:
        headers = {"user-agent": f"{BROWSER} {number}", "x-forwarded-for": address}
        return await system.http.post(
            f"{ingest.url}/reads", json={"article": "a1"}, headers=headers
        )

    answers = await asyncio.gather(*(read(number, "203.0.113.7") for number in range(100)))
    statuses = [answer.status_code for answer in answers]
    assert 60 <= statuses.count(204) <= 75
    assert set(statuses) == {204, 429}
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.headers["retry-after"] == "1"
    assert refused.headers["content-type"] == "application/problem+json"
    assert {(await read(number, "203.0.113.8")).status_code for number in range(20)} == {204}
    gif = await system.http.get(
        f"{ingest.url}/reads.gif?article=a1", headers={"x-forwarded-for": "203.0.113.7"}
    )
    assert gif.status_code in (200, 429)
    metrics = (await system.http.get(f"{ingest.url}/metrics")).text
    limited = float(
        metrics.partition('luotdoc_reads_total{class="reader",outcome="limit"} ')[2].split()[0]
    )
    assert limited == statuses.count(429) + (gif.status_code == 429)


async def test_concurrent_reads_of_one_visitor_count_once(system: System) -> None:
    await system.start_all(flush_interval="0.1")
    await system.put("a1")
    answers = await asyncio.gather(*(system.read("a1") for _ in range(20)))
    assert (
        sorted(a.headers["luotdoc-read"] for a in answers)
        == ["counted"] + ["filtered; reason=reload"] * 19
    )
    await until(lambda: system.counted(), 5, "the read is counted")
    assert await system.counted() == 1


async def test_refusals(system: System) -> None:
    await system.start("ingest")
    await system.put("a1")
    url = f"{system.url('ingest')}/reads"
    for content, path in (
        (b"", "body"),
        (b"{", "body"),
        (b"[]", "body"),
        (b'"a1"', "body"),
        (b"\xff", "body"),
        (b"{}", "article"),
        (b'{"article": 1}', "article"),
        (b'{"article": "A1"}', "article"),
        (b'{"article": "a1\\n"}', "article"),
        (b'{"article": "a1", "more": 1}', "more"),
        (b'{"article": "' + b"a" * 33 + b'"}', "article"),
    ):
        answer = await system.http.post(url, content=content)
        assert answer.status_code == 422, content
        assert answer.json()["errors"][0]["path"] == path, content
    for query in ("", "?article=", "?article=A", "?other=a1", "?article=%00", "?" + "a=1&" * 50):
        assert (await system.http.get(f"{url}.gif{query}")).status_code == 422, query
    assert (await system.http.post(url, content=b"x" * 2000)).status_code == 413
    unknown = await system.read("nobody")
    assert (unknown.status_code, unknown.headers["content-type"]) == (
        404,
        "application/problem+json",
    )
    assert (await system.http.get(f"{url}.gif?article=nobody")).status_code == 404
    assert await system.db.counts.count_documents({}) == 0


async def test_trusted_proxies(system: System) -> None:
    trusting = await system.start("ingest", trusted_proxies="127.0.0.0/8, 10.0.0.0/8")
    plain = await system.start("ingest")
    await system.put("a1")

    async def read(url: str, forwarded: str) -> str:
        headers = {"x-forwarded-for": forwarded, "user-agent": BROWSER}
        answer = await system.http.post(f"{url}/reads", json={"article": "a1"}, headers=headers)
        return answer.headers["luotdoc-read"]

    reload = "filtered; reason=reload"
    assert await read(trusting.url, "203.0.113.1") == "counted"
    assert await read(trusting.url, "203.0.113.2") == "counted"
    assert await read(trusting.url, "203.0.113.2, 10.1.1.1") == reload
    assert (
        await read(trusting.url, "198.51.100.9, 203.0.113.2") == reload
    )  # what a reader claims is not believed
    await until(lambda: _knows(system, plain.url), 5, "the second ingest knows the article")
    assert await read(plain.url, "203.0.113.1") == reload


async def _knows(system: System, url: str) -> bool:
    return (await system.http.post(f"{url}/reads", json={"article": "a1"})).status_code == 204


async def test_a_new_article_is_known_to_every_ingest_at_once(system: System) -> None:
    first, second = (
        await system.start("ingest", read_window=0),
        await system.start("ingest", read_window=0),
    )
    assert (await system.read("a1", second.url)).status_code == 404
    await system.put("a1")
    assert (await system.read("a1", first.url)).status_code == 204
    await until(lambda: _knows(system, second.url), 1.5, "the other ingest takes its reads")
    body = {"authorization": "Bearer token-with-both-scopes"}
    await system.http.delete(f"{first.url}/articles/a1", headers=body)
    assert (await system.read("a1", first.url)).status_code == 404

    async def gone() -> bool:
        return (await system.read("a1", second.url)).status_code == 404

    await until(gone, 2, "the other ingest refuses its reads")


async def batches_confirmed(system: System, ingest: Process) -> float:
    text = (await system.http.get(f"{ingest.url}/metrics")).text
    (value,) = re.findall(r'^luotdoc_read_batches_total{way="confirmed"} (\S+)', text, re.MULTILINE)
    return float(value)


async def test_204_only_after_the_confirm(system: System) -> None:
    """While RabbitMQ is frozen and the disk takes nothing, there is no 204; a 503 says when to come
    again.
    """
    ingest = await system.start(
        "ingest", read_window=0, confirm_timeout="0.5", spool_max_bytes=65536
    )
    await system.put("a1")
    durable, confirmed = 50, 0.0

    async def goes_to_rabbitmq() -> bool:
        """A read whose batch is confirmed: the next batch goes to RabbitMQ first as well."""
        nonlocal durable, confirmed
        before = await batches_confirmed(system, ingest)
        assert (await system.read("a1")).status_code == 204
        durable, confirmed = durable + 1, time.monotonic()
        return await batches_confirmed(system, ingest) > before

    await until(goes_to_rabbitmq, 10, "a read's batch is confirmed")
    statuses: list[int] = []
    refused: list[httpx.Response] = []
    system.broker.pause()
    try:
        answers = await asyncio.gather(*(system.read("a1") for _ in range(50)))
        assert {a.status_code for a in answers} == {204}  # durable in the spool
        # Not before RabbitMQ was given its time: each further batch left after that confirm.
        assert time.monotonic() - confirmed >= 0.5
        assert list((system.folder / "spool" / ingest.name).glob("*.spool"))
        while len(statuses) < 5000 and 503 not in statuses:
            answers = await asyncio.gather(*(system.read("a1") for _ in range(50)))
            statuses += [a.status_code for a in answers]
            refused = [a for a in answers if a.status_code == 503]
        assert set(statuses) == {204, 503}
        assert {a.headers["retry-after"] for a in refused} == {"1"}
        assert (await system.http.get(f"{ingest.url}/readyz")).status_code == 503
    finally:
        system.broker.resume()
    durable += statuses.count(204)
    await system.start("counter")

    async def forwarded() -> bool:
        return await system.counted() >= durable

    await until(forwarded, 20, "the spool is forwarded and counted")
    # A read that was refused may still be counted, an acknowledged one must be.
    assert durable <= await system.counted() <= durable + statuses.count(503)
    await until(
        lambda: not list((system.folder / "spool" / ingest.name).glob("*.spool")),
        10,
        "the spool is empty",
    )


async def test_reads_of_nothing_are_refused_soon_while_mongodb_is_frozen(system: System) -> None:
    ingest = await system.start("ingest")
    await system.put("a1")
    system.database.pause()
    try:
        started = time.monotonic()
        invented = [system.read(f"nobody{n}") for n in range(40)]
        pixels = [system.http.get(f"{ingest.url}/reads.gif?article=no{n}") for n in range(20)]
        answers = await asyncio.gather(*invented, *pixels)
        assert time.monotonic() - started < 4 * PATIENCE  # one after the other they would take 60 s
        assert {(a.status_code, a.headers.get("retry-after")) for a in answers} == {(503, "1")}
        assert (await system.read("a1")).status_code == 204
    finally:
        system.database.resume()

    async def told() -> bool:
        return (await system.read("nobody0")).status_code == 404

    await until(told, 10, "the database answers again")


@pytest.mark.parametrize("how", ["kill", "stop"])
async def test_reads_survive_a_broker_that_is_away(
    system: System, how: Literal["stop", "kill"]
) -> None:
    """RabbitMQ is gone, ingest answers 204 from its spool, dies itself, comes back: counted
    exactly.
    """
    ingest = await system.start("ingest", read_window=0, confirm_timeout="1")
    await system.put("a1")
    sent = 0
    try:
        for _ in range(10):
            sent += (await system.read("a1")).status_code == 204
        await system.end_broker(how)
        for _ in range(40):
            sent += (await system.read("a1")).status_code == 204
        assert sent == 50
        ingest.popen.kill()
        await ingest.ended()
    finally:
        await asyncio.to_thread(system.broker.start)
    await system.start("ingest", read_window=0, instance=ingest.name)
    await system.start("counter")

    async def counted() -> bool:
        return await system.counted() >= sent

    await until(counted, 20, "spooled reads are counted")
    assert await system.counted() == sent


async def test_a_memory_alarm_sends_reads_to_the_spool(system: System) -> None:
    """RabbitMQ answers no publisher until the alarm is over; readers don't notice, and every read
    is counted.
    """
    ingest = await system.start("ingest", read_window=0, confirm_timeout="0.5")
    await system.put("a1")
    assert (await system.read("a1")).status_code == 204
    try:
        await asyncio.to_thread(system.broker.set_memory_alarm, True)
        for _ in range(20):
            assert (await system.read("a1")).status_code == 204
        spool = (await system.http.get(f"{ingest.url}/metrics")).text.partition(
            "\nluotdoc_spool_bytes "
        )[2]
        assert float(spool.split()[0]) > 0
    finally:
        await asyncio.to_thread(system.broker.set_memory_alarm, False)
    await system.start("counter")

    async def all_counted() -> bool:
        return await system.counted() == 21

    await until(all_counted, 20, "spooled reads are counted")


async def test_the_exchange_is_gone_for_a_while(system: System) -> None:
    """RabbitMQ closes the channel, and the first attempt to open it again fails: it is tried again
    and again.
    """
    ingest = await system.start("ingest", read_window=0, confirm_timeout="0.5", log_level="DEBUG")
    await system.put("a1")
    assert (await system.read("a1")).status_code == 204
    async with await aio_pika.connect(system.broker.url) as connection:
        await (await connection.channel()).exchange_delete(topology.READS_EXCHANGE.name)
    sent = 1
    for _ in range(20):
        sent += (await system.read("a1")).status_code == 204
    assert sent == 21

    async def failed_again() -> bool:
        return "the forwarding of the spool waits" in ingest.text()

    await until(failed_again, 15, "the first attempts have failed, aio-pika's own among them")
    await setup(
        Settings(amqp_url=system.broker.url_of("setup"), mongo_url=system.database.url_of("setup"))
    )

    async def forwarded() -> bool:
        metrics = (await system.http.get(f"{ingest.url}/metrics")).text
        return float(metrics.partition("\nluotdoc_spool_bytes ")[2].split()[0]) == 0

    await until(forwarded, 15, "the spool is forwarded")
    await system.start("counter")

    async def all_counted() -> bool:
        return await system.counted() == sent

    await until(all_counted, 20, "every read is counted")


async def test_one_message_is_one_batch(system: System) -> None:
    """Many reads travel in few messages, and each message accounts for itself in its headers."""
    await system.start("ingest", read_window=0)
    await system.put("a1")
    port = int(system.url("ingest").rpartition(":")[2])
    read = (
        f"POST /reads HTTP/1.1\r\nUser-Agent: {BROWSER}\r\nContent-Length: 16\r\n\r\n"
        + '{"article":"a1"}'
    )
    connections = [await asyncio.open_connection("127.0.0.1", port) for _ in range(100)]
    for _ in range(4):
        for (
            _,
            writer,
        ) in (
            connections
        ):  # all at once: a client that sends one after the other has no batch to share
            writer.write(read.encode())
        answers = await asyncio.gather(
            *(reader.readuntil(b"\r\n\r\n") for reader, _ in connections)
        )
        assert {answer[:12] for answer in answers} == {b"HTTP/1.1 204"}
    for _, writer in connections:
        writer.close()
    async with await aio_pika.connect(system.broker.url) as connection:
        channel = await connection.channel()
        queue = await channel.get_queue("counter.reads")
        seqs, reads, messages = [], 0, 0
        while message := await queue.get(fail=False):
            epoch, _, seq = str(message.headers["batch_id"]).partition("-")
            assert len(epoch) > 10
            assert message.delivery_mode == aio_pika.DeliveryMode.PERSISTENT
            assert abs(int(str(message.headers["minted_at"])) / 1000 - time.time()) < 60
            seqs.append(int(seq))
            reads += int(str(message.headers["reads"]))
            messages += bool(message.headers["reads"])
            await message.ack()
    assert reads == 400
    assert messages < 100, messages
    assert sorted(seqs) == list(range(len(seqs)))
