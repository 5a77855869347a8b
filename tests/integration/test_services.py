"""What every service owes its operators: health, metrics, logs, patience at the start, a clean
end.
"""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import aio_pika
import httpx
import pytest

from deploy.local import ports
from shared.storage import mongo
from shared.storage.transactions import end_abandoned
from shared.storage.versions import Document
from tests.support import starter
from tests.support.system import BROWSER, EDITOR, GRACE, ROOT, Process, System, until

SERVICES = ["ingest", "render", "counter", "stats"]


async def test_health_metrics_and_a_clean_end(system: System) -> None:
    await system.start_all()
    await system.put("a1")
    await system.read("a1")
    for process in list(system.processes):
        # Most are ready without RabbitMQ and connect beside it.
        await until(
            partial(_shows, system, process, "luotdoc_broker_up 1.0"), 15, "it is connected"
        )
        assert (await system.http.get(f"{process.url}/livez")).json() == {"alive": True}
        assert (await system.http.get(f"{process.url}/readyz")).json() == {
            "ready": True,
            "reason": None,
        }
        metrics = await system.http.get(f"{process.url}/metrics")
        assert metrics.headers["content-type"].startswith("text/plain")
        assert "luotdoc_ready 1.0" in metrics.text
        assert "a1" not in metrics.text  # no article is ever a label
        started = time.monotonic()
        assert await process.stop() == 0, process.text()[-2000:]
        assert time.monotonic() - started < GRACE
        lines = [json.loads(line) for line in process.text().splitlines()]
        assert all(
            line["service"] == process.name.rpartition("-")[0] and line["time"] for line in lines
        )
        assert [line for line in lines if line["level"] in ("ERROR", "CRITICAL")] == []


async def _shows(system: System, process: Process, line: str) -> bool:
    return line in (await system.http.get(f"{process.url}/metrics")).text


async def test_an_end_resets_nobody_who_has_connected(system: System) -> None:
    """Without a pause strangers connect, ask and go, while the service ends: each is served or
    refused.
    """
    stats = await system.start("stats")
    address = ("127.0.0.1", int(stats.url.rpartition(":")[2]))
    outcomes = Counter[str]()
    strangers = [asyncio.to_thread(_ask_until_refused, address, outcomes) for _ in range(16)]
    asking = asyncio.gather(*strangers)

    async def all_have_come() -> bool:
        return outcomes["served"] > 16 * 2

    await until(all_have_come, 15, "they are served")
    stats.send(signal.SIGTERM)
    assert await stats.ended() == 0
    await asking
    assert outcomes.pop("served") > 100
    assert outcomes == {"refused": 16}


@pytest.mark.parametrize("server", ["broker", "database"])
@pytest.mark.parametrize("moment", ["starting", "running"])
async def test_an_end_does_not_wait_for_a_frozen_server(
    system: System, server: str, moment: str
) -> None:
    frozen = system.broker if server == "broker" else system.database
    if moment == "starting":
        frozen.pause()
    try:
        for service in SERVICES:
            await system.start(service, wait=moment == "running")
        if moment == "running":
            await system.put("a1")
            assert (await system.read("a1")).status_code == 204
            frozen.pause()
        for process in system.processes:
            await until(partial(_alive, system, process), 15, "it answers")
        for process in system.processes:
            await until(
                partial(_has_met, system, process, server, moment),
                40,
                "it has met the frozen server",
            )
        began = time.monotonic()
        for process in system.processes:
            process.send(signal.SIGTERM)
        assert [await process.ended() for process in system.processes] == [0] * len(SERVICES)
        assert time.monotonic() - began < GRACE
    finally:
        frozen.resume()

    async def nothing_is_open() -> bool:
        """A transaction that a process has left is ended by the next that meets it, else by MongoDB
        in a minute.
        """
        for user in SERVICES:
            client, _ = mongo.connect(system.database.url_of(user), user)
            await end_abandoned(client)
            client.close()
        pipeline: list[Document] = [
            {"$currentOp": {"idleSessions": True, "allUsers": True}},
            {"$match": {"transaction": {"$exists": True}}},
        ]
        return await system.motor.admin.aggregate(pipeline).to_list(None) == []

    await until(nothing_is_open, 20, "no transaction is left open")


async def _has_met(system: System, process: Process, server: str, moment: str) -> bool:
    """It waits for an answer that does not come; nothing tells of a connection on which nothing is
    asked.
    """
    if moment == "starting":
        # Most connect to RabbitMQ beside their start, behind MongoDB.
        return f"waiting for {'RabbitMQ' if server == 'broker' else 'MongoDB'}" in process.text()
    if process.name.startswith("ingest"):
        answer = (
            await system.read("a1", agent=f"{BROWSER} again")
            if server == "broker"
            else await system.read("unknown")
        )
        return answer.status_code == (204 if server == "broker" else 503)
    return True


async def _alive(system: System, process: Process) -> bool:
    try:
        return (await system.http.get(f"{process.url}/livez")).status_code == 200
    except httpx.TransportError:
        return False


def _ask_until_refused(address: tuple[str, int], outcomes: Counter[str]) -> None:
    for _ in range(100_000):
        with socket.socket() as stranger:
            stranger.settimeout(10)
            try:
                stranger.connect(address)
            except ConnectionRefusedError:
                outcomes["refused"] += 1
                return
            except OSError as error:
                outcomes[f"{type(error).__name__}, connecting"] += 1
                continue
            try:
                stranger.sendall(b"GET /livez HTTP/1.1\r\nhost: here\r\n\r\n")
                outcomes[
                    "served" if stranger.recv(4096).startswith(b"HTTP/1.1 200") else "closed"
                ] += 1
            except OSError as error:
                outcomes[type(error).__name__] += 1


@pytest.mark.parametrize("service", SERVICES)
async def test_start_up_waits_for_mongodb_and_says_so(system: System, service: str) -> None:
    """A process that starts before its servers stays up, is alive and not ready, and tells what it
    waits for.
    """
    nobody = ports.choose_port(None, [])
    mongo_url = f"mongodb://127.0.0.1:{nobody}/luotdoc?replicaSet=luotdoc&directConnection=true"
    process = await system.start(service, wait=False, mongo_url=mongo_url)

    async def alive() -> bool:
        try:
            return (await system.http.get(f"{process.url}/livez")).status_code == 200
        except httpx.TransportError:
            return False

    await until(alive, 15, "it is alive")
    ready = await system.http.get(f"{process.url}/readyz")
    assert (ready.status_code, ready.json()["ready"]) == (503, False)
    await until(
        lambda: f"waiting for MongoDB at 127.0.0.1:{nobody}" in process.text(),
        15,
        "it says what it waits for",
    )
    assert "Traceback" not in process.text()
    assert await process.stop() == 0


async def test_ingest_and_render_start_without_rabbitmq(system: System) -> None:
    """They can do their job without it; counter cannot, and says so."""
    nobody = ports.choose_port(None, [])
    url = f"amqp://u:p@127.0.0.1:{nobody}/"
    ingest = await system.start("ingest", amqp_url=url, read_window=0)
    await system.start("render", amqp_url=url)
    counter = await system.start("counter", amqp_url=url, wait=False)
    assert (await system.put("a1")).status_code == 201
    assert (await system.read("a1")).status_code == 204  # into the spool
    assert "luotdoc_broker_up 0.0" in (await system.http.get(f"{ingest.url}/metrics")).text
    await until(
        lambda: f"waiting for RabbitMQ at 127.0.0.1:{nobody}" in counter.text(),
        10,
        "the counter says so",
    )
    assert (await system.http.get(f"{counter.url}/readyz")).json()["reason"] == "RabbitMQ is away"


@pytest.mark.parametrize(
    ("service", "setting", "value", "told"),
    [
        ("ingest", "AMQP_URL", None, "LUOTDOC_AMQP_URL: is not set"),
        ("counter", "MONGO_URL", "mongodb://localhost", "LUOTDOC_MONGO_URL: must be mongodb://"),
        (
            "render",
            "TIME_ZONE",
            "Asia/Hanoi2",
            "LUOTDOC_TIME_ZONE: must be the name of a time zone",
        ),
        ("stats", "PORT", "eighty", "LUOTDOC_PORT:"),
        ("ingest", "TOKENS", "me:everything:00", "LUOTDOC_TOKENS:"),
        ("ingest", "TRUSTED_PROXIES", "10.0.0.0/99", "LUOTDOC_TRUSTED_PROXIES:"),
    ],
)
async def test_wrong_settings_stop_the_start(
    system: System, service: str, setting: str, value: str | None, told: str
) -> None:
    environment = system.environment_of("x")
    environment.pop(f"LUOTDOC_{setting}", None)
    if value is not None:
        environment[f"LUOTDOC_{setting}"] = value
    done = await asyncio.to_thread(
        partial(starter.run, f"services.{service}", environment=environment, folder=system.folder)
    )
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_a_process_without_settings_says_which_it_needs_and_ends(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "services.ingest"],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "LUOTDOC_PORT": "http",
             "LUOTDOC_TOKENS": "cms:articles:open-sesame"},
        cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.splitlines() == [
        "The settings are not usable:",
        "  LUOTDOC_AMQP_URL: is not set (RabbitMQ: amqp://user:password@host[:port]/[vhost])",
        "  LUOTDOC_PORT: Input should be a valid integer, unable to parse string as an integer"
        " (TCP port to listen on; 0 is any free one)",
        "  LUOTDOC_MONGO_URL: is not set (MongoDB replica set: "
        "mongodb://host[:port]/database?replicaSet=…)",
        "  LUOTDOC_TOKENS: the digest of cms must be the SHA-256 of its token, 64 hex digits"
        " (tokens that may write: name:scope+scope:sha256-of-the-token in hex, separated by commas;"
        " scopes are articles and reads; a name may have two while one replaces the other)",
    ]
    assert list(tmp_path.iterdir()) == []


async def test_a_correlation_id_follows_an_article_and_a_batch(system: System) -> None:
    await system.start_all(log_level="DEBUG", flush_interval="0.1")
    async with await aio_pika.connect(system.broker.url) as connection:
        channel = await connection.channel()
        own = await channel.declare_queue("correlated", exclusive=True)
        await own.bind("luotdoc.events", "#")
        answer = await system.put("a1", {"x-correlation-id": "editor-42"})
        assert answer.headers["x-correlation-id"] == "editor-42"
        seen: dict[str, str | None] = {}

        async def both() -> bool:
            while message := await own.get(fail=False):
                seen[str(message.routing_key)] = message.correlation_id
                assert json.loads(message.body).get("correlationid") == (
                    message.correlation_id or None
                )
                await message.ack()
            return {"article.published", "page.rendered"} <= seen.keys()

        await until(both, 10, "both events")
        assert (seen["article.published"], seen["page.rendered"]) == ("editor-42", "editor-42")
    await until(
        lambda: '"correlation_id": "editor-42"' in system.replicas("render")[0].text(),
        5,
        "render logs it",
    )
    batch = (await system.read("a1")).headers["x-correlation-id"]
    counter = system.replicas("counter")[0]
    await until(lambda: batch in counter.text(), 10, "the counter logs the batch")
    hostile = await system.put("a1", {"x-correlation-id": "a b<c>"})
    assert hostile.headers["x-correlation-id"] != "a b<c>"


async def test_the_setup_command_can_run_again(system: System) -> None:
    before = await system.db.ledger.index_information()
    for _ in range(2):
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "shared.setup"],
            cwd=ROOT,
            env=system.environment_of("setup"),
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr + done.stdout
    assert await system.db.ledger.index_information() == before
    expiries = [index.get("expireAfterSeconds") for index in before.values()]
    assert 72 * 3600 in expiries


async def test_republish_and_token_commands(system: System) -> None:
    await system.start_all()
    await system.put("a1")
    await until(lambda: system.page("a1"), 5, "the page")

    async def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return await system.command("services.ingest", *arguments)

    done = await run("republish", "a1")
    assert (done.returncode, done.stdout) == (0, "a1: revision 2\n")
    page = system.db.pages

    async def again() -> bool:
        return await page.find_one({"_id": "a1", "revision": 2}) is not None

    await until(again, 5, "the page has the new revision")
    missing = await run("republish", "zz")
    assert (missing.returncode, missing.stderr) == (1, "zz: there is no such article\n")
    made = await run("token")
    assert made.stdout.startswith("token ")


async def test_mongodb_dies_and_comes_back(system: System) -> None:
    """Answers are 503 meanwhile, never 500; reads already acknowledged are counted afterwards,
    exactly.
    """
    await system.start_all(read_window=0, flush_interval="0.2", hold="1")
    await system.put("a1")
    await until(lambda: system.page("a1"), 5, "the page")
    sent = 0
    for _ in range(20):
        sent += (await system.read("a1")).status_code == 204
    try:
        await asyncio.to_thread(system.database.kill)
        for _ in range(20):
            sent += (
                await system.read("a1")
            ).status_code == 204  # known from memory, durable at RabbitMQ
        assert sent == 40
        body = {"title": "x", "section": "thoi-su", "body_html": "x"}
        answer = await system.http.put(
            f"{system.url('ingest')}/articles/a2", json=body, headers=EDITOR
        )
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert (await system.http.get(f"{system.url('stats')}/stats/site")).status_code == 503
        counter = system.replicas("counter")[0]
        await until(
            lambda: "go back to RabbitMQ" in counter.text(),
            20,
            "the counter gives its batches back",
        )
    finally:
        await asyncio.to_thread(system.database.start)

    async def counted() -> bool:
        return await system.counted() >= sent

    await until(counted, 30, "everything acknowledged is counted")
    await asyncio.gather(*(process.stop() for process in system.replicas("counter")))
    assert await system.counted() == sent
    assert (await system.put("a2")).status_code == 201
    await until(lambda: system.page("a2"), 10, "the page of the next article")


async def test_templates_that_change_reach_old_pages(system: System) -> None:
    ingest, render = await system.start("ingest"), await system.start("render", site_name="Cổng A")
    await system.put("a1")
    await until(lambda: system.page("a1"), 5, "the page")
    render.send(signal.SIGTERM)
    await render.ended()
    await system.start("render", site_name="Cổng B")

    async def renewed() -> bool:
        page = await system.page("a1")
        return page is not None and "Cổng B" in page.text and "Cổng A" not in page.text

    await until(renewed, 10, "the page has the new face")
    assert ingest.popen.poll() is None


async def test_pages_can_be_cached(system: System) -> None:
    await system.start_all()
    await system.put("a1")

    async def unchanged() -> Any:
        page = await system.page("a1")  # readers online may change it in between
        if page is None:
            return None
        tag = {"if-none-match": page.headers["etag"]}
        again = await system.http.get(str(page.url), headers=tag)
        return page if (again.status_code, again.content) == (304, b"") else None

    page = await until(unchanged, 10, "a page that does not change is 304, without a body")
    assert page.headers["cache-control"] == "public, max-age=5, stale-while-revalidate=10"
    head = await system.http.head(str(page.url))
    assert (head.status_code, head.content) == (200, b"")
    css = page.text.split('rel="stylesheet" href="')[1].split('"')[0]
    style = await system.http.get(system.url("render") + css)
    assert (style.status_code, style.headers["content-type"]) == (200, "text/css; charset=utf-8")
    assert "immutable" in style.headers["cache-control"]
    for path, status in (
        ("/", 200),
        ("/thoi-su/", 200),
        ("/thoi-su", 301),
        ("/khong-co/", 404),
        ("/?page=2", 301),
        ("/?page=x", 301),
        ("/favicon.ico", 302),
        ("/static/../app.py", 404),
        ("/static/none.css", 404),
        ("/media/" + "0" * 32 + ".png", 404),
        ("/%ff%00", 404),
        ("/?" + "a=1&" * 50, 200),
        ("/thoi-su/?" + "a=1&" * 50, 200),
        ("/static/style.css?" + "a=1&" * 50, 200),
    ):
        answer = await system.http.get(system.url("render") + path)
        assert answer.status_code == status, path
    assert (await system.http.post(system.url("render") + "/")).status_code == 405
