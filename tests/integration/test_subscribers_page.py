"""From nothing to the first event: the page's own lines run, as a subscriber's own user, and print
what happens.
"""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import aio_pika
import pytest

from tests.integration.test_guide import shell as run_lines
from tests.integration.test_permissions import QUORUM, channel_of
from tests.support.guide import block, blocks
from tests.support.system import EDITOR, ROOT, System, until
from tests.support.wire import forget, publish, sample

EVENTS = [
    "luotdoc.article.published.v1",
    "luotdoc.article.updated.v1",
    "luotdoc.article.withdrawn.v1",
]
TITLE = "Thông xe cầu Vĩnh Ngạn"
ADDRESS = "http://127.0.0.1:8000/thoi-su/thong-xe-cau-vinh-ngan-a1.html"


def shell(folder: Path, _kit: str, reader: str) -> list[str]:
    (line,) = [block for block in blocks("sh") if "follow.sh" in block]
    at = urlsplit(reader)
    (folder / "search.password").write_text(f"{at.password}\n")
    (folder / "docs").symlink_to(ROOT / "docs")
    return ["sh", "-euc", f"exec {line.replace('HOST:5672', f'{at.hostname}:{at.port}')}"]


def javascript(folder: Path, _kit: str, _reader: str) -> list[str]:
    (code,) = blocks("js")
    (folder / "first.mjs").write_text(code)
    (folder / "node_modules").symlink_to(ROOT / "node_modules")
    return ["node", "first.mjs"]


def python(folder: Path, kit: str, _reader: str) -> list[str]:
    code, *_ = blocks("python")
    (folder / "first.py").write_text(code)
    return [kit, "first.py"]


def faststream(folder: Path, kit: str, _reader: str) -> list[str]:
    _, code, *_ = blocks("python")
    (folder / "plain.py").write_text(code)
    return [kit, "plain.py"]


@pytest.mark.parametrize(
    ("language", "queue"),
    [
        (shell, "search.follow"),
        (javascript, "search.titles"),
        (python, "search.articles"),
        (faststream, "search.faststream"),
    ],
)
async def test_the_first_event(
    system: System, reader: str, kit_python: str, tmp_path: Path, language: object, queue: str
) -> None:
    assert callable(language)
    told = {
        "AMQP_URL": reader,
        "LUOTDOC_AMQP_URL": reader,
        "LC_ALL": "C.UTF-8",
    }
    output = tmp_path / "output"
    with output.open("wb") as file:
        subscriber = subprocess.Popen(  # noqa: ASYNC220  (it only starts it)
            language(tmp_path, kit_python, reader),
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], **told},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.PIPE,
        )
    try:

        async def bound() -> bool:
            assert subscriber.poll() is None, subscriber.stderr and subscriber.stderr.read()
            listed = await asyncio.to_thread(
                system.broker.control, "list_bindings", "source_name", "destination_name"
            )
            return ["luotdoc.events", queue] in [line.split("\t") for line in listed.splitlines()]

        await until(bound, 20, "the queue is bound")
        await system.start("ingest")
        assert (await system.put("a1", title=TITLE)).status_code == 201
        assert (await system.put("a1", title=TITLE, lead="Sáng nay.")).status_code == 200

        assert (
            await system.http.delete(f"{system.url('ingest')}/articles/a1", headers=EDITOR)
        ).status_code == 204

        def lines() -> list[str]:
            return [line for line in output.read_text().splitlines() if line.startswith("luotdoc.")]

        await until(lambda: len(lines()) >= len(EVENTS), 10, "the events are printed")
        for line, name in zip(lines(), EVENTS, strict=True):
            assert line.startswith(name)
            assert line.endswith(ADDRESS)
            assert (TITLE in line) == ("withdrawn" not in name)
    finally:
        subscriber.terminate()
        subscriber.communicate()
        async with await aio_pika.connect(system.broker.url) as connection:
            channel = await connection.channel()
            for name in (
                queue,
                f"{queue}.parked",
                *(f"{queue}.retry.{delay}" for delay in (1, 10, 60, 300)),
            ):
                await channel.queue_delete(name)


async def test_the_longest_article_arrives(system: System, reader: str) -> None:
    """A quotation mark becomes two characters in JSON. RabbitMQ 4 takes up to 16 MiB."""
    async with await aio_pika.connect(reader) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue("search.long", exclusive=True)
        await queue.bind("luotdoc.events", "article.published")
        await system.start("ingest")
        assert (await system.put("a1", body_html='"' * (1 << 20))).status_code == 201
        message = await until(lambda: queue.get(fail=False), 20, "the event")
        assert 2 << 20 < len(message.body) < 3 << 20
        await message.ack()


async def test_the_commands_for_own_queues(system: System, reader: str) -> None:
    """The page's lines, with a subscriber's own user. They leave the live event, the one that was
    redriven, and what was replayed.
    """
    name = "search.articles"
    await forget(system, name)
    async with channel_of(reader) as channel:
        await channel.declare_queue(f"{name}.parked", durable=True, arguments=QUORUM)
        queue = await channel.declare_queue(name, durable=True, arguments=QUORUM)
        await queue.bind("luotdoc.events", "article.*")
    bug = {"x-luotdoc-reason": "bug"}
    for article in ("ls0001", "ls0002"):
        parked = [sample("article.published", article, 1)]
        await publish(system, parked, bug, f"{name}.parked")
    await publish(system, [sample("article.published", "ls0001", 2)])
    here = str(Path(sys.executable).parent)
    own = {"PATH": f"{here}:{os.environ['PATH']}", "LUOTDOC_AMQP_URL": reader}
    told, handle = [], ""
    for line in block("docs/subscribers.md", "parked redrive search.articles").splitlines():
        told.append(await run_lines(line.replace("1f0a3b9c", handle), own))
        handle = handle or told[0].splitlines()[1].split()[0]
    listed, shown, redriven, discarded, *replayed = told
    assert f"{name}: 2 parked" in listed
    assert "x-luotdoc-reason: bug" in shown
    assert redriven == f"{handle}  redriven\n"
    assert discarded.count("discarded") == 1
    assert ["1 events sent" in each for each in replayed] == [True, True]
    assert await system.queue_depth(f"{name}.parked") == 0
    assert await system.queue_depth(name) == 4
    await forget(system, name)
