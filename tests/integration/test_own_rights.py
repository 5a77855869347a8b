"""What a subscriber does for itself, with its own user: it lists, shows, redrives and discards what
was parked in its queues, and replays the history into them. No MongoDB.
"""

import asyncio
import contextlib
import os
import re
import subprocess
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

import aio_pika
import orjson
import pytest

from deploy.local.subscriber import LIMITS
from luotdoc_subscriber.commands import parked_queue
from luotdoc_subscriber.commands.parked import carry_out
from luotdoc_subscriber.commands.parked_queue import each
from luotdoc_subscriber.commands.target import open_target
from tests.integration.conftest import Subscriber
from tests.integration.test_permissions import QUORUM, channel_of, taken
from tests.integration.test_replay import fill_history, numbered_event
from tests.integration.test_unreadable import BODY, UNREADABLE, send_hostile
from tests.support.hostile_messages import Hostile
from tests.support.system import ROOT, System, until
from tests.support.wire import forget, publish, sample

QUEUE = "search.mine"
KIT, OPERATORS = ("luotdoc_subscriber", "parked"), ("shared.parked",)


@pytest.fixture
async def queue(system: System, reader: str) -> str:
    """A queue of search, which its owner declared without the kit, with a parked queue beside
    it.
    """
    await forget(system, QUEUE)
    async with channel_of(reader) as channel:
        await channel.queue_delete(f"{QUEUE}.replay")
        await channel.declare_queue(f"{QUEUE}.parked", durable=True, arguments=QUORUM)
        mine = await channel.declare_queue(QUEUE, durable=True, arguments=QUORUM)
        await mine.bind("luotdoc.events", "article.*")
    return QUEUE


async def _park(system: System, queue: str, *articles: str) -> None:
    for article in articles:
        event = sample("article.published", article, 1)
        await publish(system, [event], {"x-luotdoc-reason": "bug"}, f"{queue}.parked")


@pytest.mark.parametrize("command", [KIT, OPERATORS])
async def test_parked_messages(
    system: System, reader: str, queue: str, command: tuple[str, ...]
) -> None:
    own = {"amqp_url": reader, "mongo_url": ""}
    await _park(system, queue, "a1", "a2")
    listed = await system.command(*command, "list", queue, **own)
    assert "2 parked" in listed.stdout, listed.stderr
    first, second = (line.split()[0] for line in listed.stdout.splitlines()[1:])
    assert '"a1"' in (await system.command(*command, "show", queue, first, **own)).stdout
    redriven = await system.command(*command, "redrive", queue, first, **own)
    assert (redriven.returncode, redriven.stdout) == (0, f"{first}  redriven\n"), redriven.stderr
    discarded = await system.command(*command, "discard", queue, second, **own)
    assert (discarded.returncode, discarded.stdout) == (0, f"{second}  discarded\n"), (
        discarded.stderr
    )
    gone = await system.command(*command, "discard", queue, second, **own)
    assert (gone.returncode, gone.stderr) == (
        1,
        f"nothing in {queue}.parked has the handle {second}\n",
    )
    async with channel_of(reader) as channel:
        assert orjson.loads(await taken(await channel.get_queue(queue)))["subject"] == "a1"
    assert await system.queue_depth(f"{queue}.parked") == 0


BARE = """
import sys
from luotdoc_subscriber.__main__ import main
status = main(sys.argv[1:])
foreign = "pymongo motor bson rich fastapi shared services"
print("loaded:", *sorted(set(foreign.split()) & {name.partition(".")[0] for name in sys.modules}))
raise SystemExit(status)
"""


async def _bare(folder: Path, reader: str, *arguments: str) -> str:
    """What the command prints in a process that has the kit's two packages and its address only."""
    for package in ("luotdoc_events", "luotdoc_subscriber"):
        if not (folder / package).exists():
            (folder / package).symlink_to(ROOT / package)
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", BARE, *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "LUOTDOC_AMQP_URL": reader, "LUOTDOC_PORT": "tcp://x:1"},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


async def test_the_kits_packages_and_the_address_are_all_that_is_needed(
    system: System, reader: str, queue: str, tmp_path: Path
) -> None:
    await publish(system, [sample("article.published", "a1", 1), sample("page.rendered", "a1", 1)])
    await _park(system, queue, "a1", "a2")
    redriven = await _bare(tmp_path, reader, "parked", "redrive", queue, "--all")
    assert (redriven.count("redriven"), "loaded:\n" in redriven) == (2, True), redriven
    replayed = await _bare(tmp_path, reader, "replay", "--to", queue)
    assert ("2 events sent" in replayed, "loaded:\n" in replayed) == (True, True), replayed
    await until(lambda: _depth(system, queue, 5), 5, "a live event, two redriven, two replayed")


async def _depth(system: System, queue: str, number: int) -> bool:
    return await system.queue_depth(queue) == number


@pytest.mark.parametrize("parked", [0, 1])
@pytest.mark.parametrize(
    "command",
    [
        (*OPERATORS, "list", QUEUE),
        (*OPERATORS, "redrive", QUEUE, "--all"),
        ("shared.replay", "--to", QUEUE),
        (*KIT, "list", QUEUE),
        (*KIT, "show", QUEUE, "00000000"),
        (*KIT, "redrive", QUEUE, "--all"),
        (*KIT, "discard", QUEUE, "--all"),
        ("luotdoc_subscriber", "replay", "--to", QUEUE),
        ("luotdoc_subscriber", "replay", "--to", QUEUE, "--restart"),
    ],
)
async def test_the_queue_of_another(
    system: System, subscriber: Subscriber, queue: str, command: tuple[str, ...], parked: int
) -> None:
    await publish(system, [sample("article.published", "a1", 1)])
    await _park(system, queue, *["a1"] * parked)
    done = await system.command(*command, amqp_url=subscriber("mailer"), mongo_url="")
    assert (done.returncode, done.stdout) == (1, "")
    (told,) = done.stderr.splitlines()
    assert "ACCESS_REFUSED" in told
    assert "set LUOTDOC_AMQP_URL to the owner's address or an administrator's" in told
    assert "again" not in told
    await until(lambda: _depth(system, queue, 1), 5, "only the live event is there")
    await until(lambda: _depth(system, f"{queue}.parked", parked), 5, "nothing was taken")


async def test_a_wrong_password_is_told(system: System, reader: str, queue: str) -> None:
    wrong = reader.replace("search:", "search:wrong")
    for command in ((*KIT, "list", queue), ("luotdoc_subscriber", "replay", "--to", queue)):
        done = await system.command(*command, amqp_url=wrong, mongo_url="")
        assert done.returncode == 1
        assert "correct the user or the password in LUOTDOC_AMQP_URL" in done.stderr


async def test_names_that_lead_nowhere(system: System, reader: str, queue: str) -> None:
    await publish(system, [sample("article.published", "a1", 1)])
    own = {"amqp_url": reader, "mongo_url": ""}
    for name in (f"{queue}.parked", "search.gone"):
        done = await system.command(*KIT, "list", name, **own)
        assert (done.returncode, f"there is no queue {name}.parked" in done.stderr) == (1, True)
    for name in (f"{queue}.parked", f"{queue}.retry.10", "luotdoc.events.log", "counter.reads"):
        done = await system.command("luotdoc_subscriber", "replay", "--to", name, **own)
        assert (done.returncode, f"{name} is no subscriber's queue" in done.stderr) == (1, True)
    done = await system.command("luotdoc_subscriber", "replay", "--to", "search.gone", **own)
    assert (done.returncode, "there is no queue search.gone" in done.stderr) == (1, True)


async def test_a_long_parked_queue_needs_few_channels(
    system: System,
    reader: str,
    queue: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """RabbitMQ limits the channels of a subscriber's user, and a listed message stays unacked."""
    monkeypatch.setattr(parked_queue, "LEAST_PREFETCH", 2)
    monkeypatch.setattr(parked_queue, "MOST_CHANNELS", 5)
    await _park(system, queue, *(f"a{number}" for number in range(40)))

    async def set_limits(limits: str) -> None:
        await asyncio.to_thread(system.broker.control, "set_user_limits", "search", limits)

    await set_limits('{"max-channels": 8}')
    try:
        chosen = Namespace(command="list", queue=queue)
        assert await carry_out(chosen, reader) == 0
        rows = capsys.readouterr().out.splitlines()
        assert (rows[0], len(rows)) == (f"{queue}: 40 parked", 41)
    finally:
        await set_limits(LIMITS)


async def test_a_pass_leaves_no_consumer_behind(system: System, reader: str, queue: str) -> None:
    """Otherwise RabbitMQ would give it the messages that come back, and nothing handles them."""
    await _park(system, queue, "a1", "a2")
    async with await aio_pika.connect(reader) as connection:
        async with contextlib.aclosing(each(connection, f"{queue}.parked", 2)) as messages:
            async for message in messages:
                await message.ack()
        channel = await connection.channel()

        async def consumers() -> bool:
            declared = await channel.declare_queue(f"{queue}.parked", passive=True)
            return declared.declaration_result.consumer_count == 0

        await until(consumers, 10, "no consumer is left")


BAD_POSITIONS = {
    "no JSON": b"no",
    "another type": b'{"name": 1, "what": "everything"}',
    "a negative number": b'{"name": "x", "what": "everything", "at": "-1", "sent": 1}',
    "a large number": b'{"name": "x", "what": "everything", "at": "%s"}' % (b"9" * 190),
    "a long name": b'{"name": "%s", "what": "everything"}' % (b"x" * 200_000),
    "a deep value": b'{"name": %s}' % (b"[" * 100_000),
}


async def test_a_stored_position_that_is_none(system: System, reader: str, queue: str) -> None:
    await publish(system, [sample("article.published", "a1", 1)])
    own = {"amqp_url": reader, "mongo_url": ""}
    replay = ("luotdoc_subscriber", "replay", "--to", queue)
    async with await aio_pika.connect(reader) as connection:
        await open_target(
            connection, queue, "everything", rate=1, restart=True, note=lambda _: None
        )
    for body in BAD_POSITIONS.values():
        async with channel_of(system.broker.url) as channel:
            stored = aio_pika.Message(body)
            await channel.default_exchange.publish(stored, f"{queue}.replay", mandatory=True)
        refused = await system.command(*replay, **own)
        assert refused.returncode == 1
        (told,) = refused.stderr.splitlines()
        assert "--restart" in told
        assert len(told) < 400
    done = await system.command(*replay, "--restart", **own)
    assert (done.returncode, "1 events sent" in done.stdout) == (0, True), done.stderr


SUBSCRIBER = """
from luotdoc_events.events import ArticleWithdrawn
from luotdoc_subscriber import Event, OnDisk, SubscriberSettings, load, make_broker, run, subscribe

settings = load(SubscriberSettings)
broker = make_broker(settings, "search")

@subscribe(broker, "search.history", guard=OnDisk("search.sqlite"))
async def handle(event: Event[ArticleWithdrawn]) -> None:
    with open("handled", "a") as file:
        file.write(f"{event.data.id} {event.data.revision}\\n")

run(settings, broker)
"""


async def test_a_replay_is_resumed_in_order_and_the_guard_drops_what_is_older(
    system: System, reader: str, tmp_path: Path
) -> None:
    """The history holds messages that are no events; they are left out and counted."""
    number, name, log = 600, "search.history", "luotdoc.events.log"
    wanted = [
        event for n in range(number) if (event := numbered_event(n)).name == "article.withdrawn"
    ]
    await forget(system, name)
    await fill_history(system, number, more=b'{"specversion": "1.0", "id": "x"}')
    await send_hostile(system, log, [Hostile(raw, BODY) for raw in UNREADABLE.values()])
    await fill_history(system, 1)  # so that the last offset is known
    (tmp_path / "subscriber.py").write_text(SUBSCRIBER)
    (tmp_path / "handled").touch()
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "LUOTDOC_AMQP_URL": reader}
    options: dict[str, Any] = {"cwd": tmp_path, "env": environment, "text": True}
    line = [sys.executable, "-m", "luotdoc_subscriber", "replay", "--to", name, "--type"]
    line += ["article.withdrawn", "--rate", "200"]

    def handled() -> list[str]:
        return (tmp_path / "handled").read_text().splitlines()

    with (tmp_path / "log").open("w") as output:
        consumer = subprocess.Popen(  # noqa: ASYNC220  (it only starts it)
            [sys.executable, "subscriber.py"], **options, stdout=output, stderr=output
        )
    try:
        started = tmp_path / "log"
        await until(lambda: "has started" in started.read_text(), 30, "the subscriber consumes")
        victim = await asyncio.to_thread(lambda: subprocess.Popen(line, **options))
        try:
            await until(lambda: len(handled()) >= 200, 30, "a part is replayed")
        finally:
            victim.kill()
            await asyncio.to_thread(victim.wait)
        done = await asyncio.to_thread(
            lambda: subprocess.run(line, **options, capture_output=True, timeout=240, check=False)
        )
        assert done.returncode == 0, done.stderr
        assert "continuing after the" in done.stdout
        assert f"{len(UNREADABLE) + 1} messages of the history are no events" in done.stderr
        sent = int(re.findall(r"([\d,]+) events sent", done.stdout)[0].replace(",", ""))
        assert sent == len(wanted)
        await until(lambda: len(handled()) >= len(wanted), 30, "all are handled")
        again = await system.command(
            "luotdoc_subscriber", "replay", "--to", name, "--subject", "a3", amqp_url=reader
        )
        assert f"{number // 10} events sent" in again.stdout, again.stderr
        await until(lambda: _empty(system, name), 10, "the second replay is taken")
    finally:
        consumer.terminate()
        await asyncio.to_thread(consumer.wait, 60)
    revisions: dict[str, list[int]] = {}
    for article, _, revision in (line.partition(" ") for line in handled()):
        revisions.setdefault(article, []).append(int(revision))
    expected: dict[str, list[int]] = {}
    for event in wanted:
        expected.setdefault(event.subject or "", []).append(int(event.sequence or 0))
    assert revisions.keys() == expected.keys()
    for article, numbers in revisions.items():
        assert list(dict.fromkeys(numbers)) == expected[article]
        assert numbers == sorted(numbers)  # a replayed event of the newest revision comes again
    assert revisions["a3"][-2:] == expected["a3"][-1:] * 2  # all that the second replay changed
    await forget(system, name)


async def _empty(system: System, queue: str) -> bool:
    return (await system.queues()).get(queue) == 0
