"""The commands of README and of the guide for operators, run as they stand but for addresses, paths
and handles.
"""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import aio_pika
import httpx
import pytest
from pamqp.common import FieldTable

from tests.integration.test_permissions import QUORUM, channel_of
from tests.support.guide import block
from tests.support.system import ROOT, TOKEN, System, until
from tests.support.wire import forget, publish, sample

OPERATIONS = "docs/operations.md"


async def shell(
    lines: str, environment: Mapping[str, str], cwd: Path = ROOT, status: int = 0
) -> str:
    """What the lines print. Fails the test when their exit status is another."""
    done = await asyncio.to_thread(
        subprocess.run,
        ["bash", "-euo", "pipefail", "-c", lines],
        cwd=cwd,
        env=dict(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=180,
    )
    assert done.returncode == status, f"{lines}\n{done.stdout}"
    return done.stdout


def ours(system: System, **settings: str) -> dict[str, str]:
    """An operator's environment, in which `python` is this one."""
    here = str(Path(sys.executable).parent)
    return system.environment_of(settings=settings) | {"PATH": f"{here}:{os.environ['PATH']}"}


def control(system: System, lines: str) -> str:
    """The lines with a `rabbitmqctl` that reaches the private node."""
    return lines.replace("rabbitmqctl", " ".join(system.broker.controller()))


async def test_the_api_in_brief(system: System, tmp_path: Path) -> None:
    await system.start_all(flush_interval="0.1")
    (tmp_path / ".local").mkdir()
    (tmp_path / ".local/token").write_text(TOKEN)
    (tmp_path / "deploy").symlink_to(ROOT / "deploy")
    text = block("README.md", "PUT http://127.0.0.1:8001/articles/hello1")
    for port, service in ((8000, "render"), (8001, "ingest"), (8003, "stats")):
        text = text.replace(f"http://127.0.0.1:{port}", system.url(service))
    first, *parts = text.split("\n\n")

    async def run(number: int) -> str:
        return await shell(f"{first}\n{parts[number]}", {**os.environ}, tmp_path)

    assert " 201 " in await run(0)
    await until(lambda: system.page("hello1"), 10, "the page")
    assert "Bài đầu tiên." in await run(1)
    assert "luotdoc-read: counted" in (await run(2)).lower()
    assert '"accepted":2' in await run(3)

    async def counted() -> bool:
        told = await run(4)  # each figure is remembered for a second of its own
        return '"reads":3' in told and '"total":3' in told

    await until(counted, 15, "three reads are counted")
    told = await run(4)
    assert '"total":3' in told
    assert "Xin chào" in told
    assert '"balance":0' in told
    told = await run(5)
    assert re.search(r'"url":"[^"]+\.webp"', told)
    assert " 204 " in told
    assert len(parts) == 6


async def test_the_users_of_the_services(system: System, tmp_path: Path) -> None:
    """On a broker that has none of them yet; afterwards the run's own are back."""
    lines = block(OPERATIONS, "add_user $user")
    users = ("setup", "ingest", "render", "counter", "stats")
    try:
        # In one call: each start of rabbitmqctl takes over a second.
        gone = " ".join(
            f'rabbit_auth_backend_internal:delete_user(<<"{user}">>, <<"test">>),' for user in users
        )
        await asyncio.to_thread(system.broker.control, "eval", f"{gone} ok.")
        (tmp_path / "deploy").symlink_to(ROOT / "deploy")
        await shell(control(system, lines), system.broker.environment(), tmp_path)
        for user in users:
            password = (tmp_path / f"{user}.password").read_text().strip()
            address = system.broker.url_of(user).rpartition("@")[2]
            async with channel_of(f"amqp://{user}:{password}@{address}") as channel:
                await channel.get_exchange("luotdoc.events")
    finally:
        definitions = str(system.broker.folder / "definitions.json")
        await asyncio.to_thread(system.broker.control, "import_definitions", definitions)


async def test_the_queues_that_refuse(system: System, reader: str) -> None:
    """It lists the queue that refuses events, and no retry queue that is well."""
    line = block(OPERATIONS, "awk")
    assert (await shell(control(system, line), system.broker.environment())).splitlines() == []
    async with channel_of(reader) as channel:
        refusing: FieldTable = {"x-max-length": 1, "x-overflow": "reject-publish"}
        await channel.declare_queue("search.refuses", durable=True, arguments=refusing)
        try:
            (found,) = (
                await shell(control(system, line), system.broker.environment())
            ).splitlines()
            assert found.split("\t")[:3] == ["classic", "search.refuses", "0"]
        finally:
            await channel.queue_delete("search.refuses")


async def _handle(system: System, queue: str) -> str:
    listed = await shell(f"python -m shared.parked list {queue}", ours(system))
    return listed.splitlines()[1].split()[0]


async def test_parked_messages(system: System) -> None:
    lines = block(OPERATIONS, "shared.parked list").splitlines()
    await forget(system, "cache-purger.pages")
    async with channel_of(system.broker.url) as channel:
        await channel.declare_queue("cache-purger.pages.parked", durable=True, arguments=QUORUM)
        for number, queue in enumerate(
            ["counter.reads"] * 3 + ["render.articles", "cache-purger.pages"]
        ):
            message = aio_pika.Message(b"%d" % number, headers={"x-luotdoc-reason": "too_old"})
            await channel.default_exchange.publish(message, f"{queue}.parked")
        # Such a batch is no batch: whoever takes it again parks it again, which is not what is
        # tried here.
        message = aio_pika.Message(b"{}", headers={"x-luotdoc-reason": "bug"})
        await channel.default_exchange.publish(message, "render.articles.parked")
    told = []
    for line in lines:
        handle = await _handle(system, "counter.reads") if "1f0a3b9c" in line else ""
        status = 1 if "render.articles --all" in line else 0  # one of the two needs --force
        told.append(await shell(line.replace("1f0a3b9c", handle), ours(system), status=status))
    everything, another, one, redriven, forced, gone = told
    assert "counter.reads: 3 parked" in everything
    assert "cache-purger.pages: 1 parked" in another
    assert "x-luotdoc-reason: too_old" in one
    assert ("redriven" in redriven, "left: too old" in redriven) == (True, True)
    assert "redriven" in forced
    assert "discarded" in gone
    assert await system.queue_depth("counter.reads.parked") == 1
    await forget(system, "cache-purger.pages")


async def test_the_replays(system: System) -> None:
    await system.start("ingest")
    assert (await system.put("ls0001")).status_code == 201
    await publish(system, [sample("article.published", "a2", 1)])
    async with channel_of(system.broker.url) as channel:
        await channel.declare_queue("search.articles", durable=True, arguments=QUORUM)
    try:
        said = [
            re.findall(r"([\d,]+) (?:events|articles) sent", await shell(line, ours(system)))
            for line in block(OPERATIONS, "shared.replay --to").splitlines()
        ]
        assert said[:3] == [["2"], ["2"], ["1"]]
        assert await system.queue_depth("search.articles") == 6
    finally:
        await forget(system, "search.articles")


async def test_the_reconciliation(system: System) -> None:
    await system.start_all()
    assert (await system.put("a1")).status_code == 201
    await until(lambda: system.page("a1"), 10, "the page")
    line = block(OPERATIONS, "services.ingest reconcile")
    line = line.replace("http://127.0.0.1:8000", system.url("render")).replace(
        "http://127.0.0.1:8003", system.url("stats")
    )
    told = await shell(line, ours(system))
    assert "render" in told
    assert "stats" in told


@pytest.mark.long
def test_the_demo(tmp_path: Path) -> None:
    """`make demo` until Ctrl-C."""
    (line,) = [line for line in block("README.md", "make demo").splitlines() if "make demo" in line]
    output = tmp_path / "output"
    with output.open("wb") as file:
        demo = subprocess.Popen(
            ["sh", "-c", line], cwd=ROOT, stdout=file, stderr=file, start_new_session=True
        )
    try:
        shown = "Ctrl-C stops everything"
        asyncio.run(
            until(
                lambda: demo.poll() is not None or shown in output.read_text(),
                240,
                "the demo is ready",
            )
        )
        assert demo.poll() is None, output.read_text()
        assert "Front page    http://127.0.0.1:" in output.read_text()
        _first_event(tmp_path)
    finally:
        os.killpg(demo.pid, signal.SIGINT)
        demo.wait(60)
    assert output.read_text().splitlines()[-1].endswith("stopped")


def _first_event(folder: Path) -> None:
    """`make subscriber` on the demo that runs, twice; then the command that it prints, until an
    event arrives.
    """
    command = ["sh", "-euc", block("README.vi.md", "make subscriber")]
    said = [
        subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    assert said[0] == said[1]
    (follow,) = re.findall(r"docs/examples/follow\.sh amqp://search:\S+", said[0])
    events = folder / "events"
    with events.open("wb") as file:
        follower = subprocess.Popen(
            ["sh", "-c", f"exec {follow}"], cwd=ROOT, stdout=file, start_new_session=True
        )
    try:
        at = json.loads((ROOT / ".local/endpoints.json").read_text())
        with httpx.Client(
            headers={"Authorization": f"Bearer {at['token']}"}, trust_env=False
        ) as client:

            def arrives() -> bool:
                body = {
                    "title": "Xin chào",
                    "section": "thoi-su",
                    "body_html": f"<p>{time.time()}</p>",
                }
                assert client.put(f"{at['ingest']}/articles/xinchao1", json=body).status_code in (
                    200,
                    201,
                )
                return "luotdoc.article." in events.read_text()

            asyncio.run(until(arrives, 30, "an event arrives"))
    finally:
        os.killpg(follower.pid, signal.SIGTERM)
        follower.wait(10)
