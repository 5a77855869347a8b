"""A subscriber's start that only people can mend ends with the right, the name or the exchange, and
with the command that mends it. On RabbitMQ, with the rights of deploy/rabbitmq/subscriber.json.
"""

import asyncio
import base64
import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import aio_pika
import pytest

from deploy.local import ports
from deploy.local.broker import Node
from luotdoc_events.events import Article, ArticlePublished, ReadsCounted
from luotdoc_subscriber import Event, Refused, SubscriberSettings, listen, make_broker, subscribe
from luotdoc_subscriber.rabbit import declaring, layout
from luotdoc_subscriber.rabbit.broker import Broker
from luotdoc_subscriber.standalone import connect_subscriber
from luotdoc_subscriber.testing import example
from tests.support.system import ROOT, until
from tests.support.wire import message

VHOST, NO_STREAM, BARE = "start", "start-no-stream", "start-bare"
(RIGHTS,) = json.loads((ROOT / "deploy/rabbitmq/subscriber.json").read_text())["permissions"]
SECONDS = 60.0
"""For a start that must end: RabbitMQ answers within milliseconds on a quiet machine."""

LACKS: dict[str, tuple[dict[str, str], str]] = {
    "no-configure": ({"configure": "^$"}, "configure on the exchange NAME.articles.dlx"),
    "half-configure": (
        {"configure": r"^NAME\.articles\.dlx$"},
        "configure on the queue NAME.articles.parked",
    ),
    "no-write": ({"write": "^$"}, "write on the queue NAME.articles.parked"),
    "half-write": (
        {"write": r"^NAME\.articles(\.parked|\.retry.*)?$"},
        "write on the exchange NAME.articles.dlx",
    ),
    "no-read": ({"read": "^$"}, "read on the exchange NAME.articles.dlx"),
    "half-read": (
        {"read": r"^(NAME\.articles\.dlx|luotdoc\.events(\.log)?)$"},
        "configure or read on the queue NAME.articles.retry.1",
    ),
    "no-events": (
        {"read": r"^(NAME\..*|luotdoc\.events\.log)$"},
        "read on the exchange luotdoc.events",
    ),
    "no-history": (
        {"read": r"^(NAME\..*|luotdoc\.events)$"},
        "read on the stream luotdoc.events.log",
    ),
}
"""By user: how its rights differ, and the right that it lacks."""
DECLARED: dict[str, tuple[dict[str, str], str]] = {
    "no-parking": (
        {"write": r"^NAME\.articles(\.parked|\.retry.*)?$"},
        "write on the exchange NAME.articles.dlx",
    ),
    "no-consuming": (
        {"read": r"^(NAME\.articles\.dlx|luotdoc\.events(\.log)?)$"},
        "read on the queue NAME.articles",
    ),
}
"""The same, where the queues exist: RabbitMQ checks less then."""
WHOLE = ("seek", "topics", "lost")
USERS = {**LACKS, **DECLARED, **{name: ({}, "") for name in WHOLE}}


def definitions() -> str:
    """Three vhosts, and users whose passwords are their names: none that other tests use, because
    all are deleted afterwards.
    """

    def permission(user: str, vhost: str, change: dict[str, str]) -> dict[str, str]:
        row = {**RIGHTS, **change, "user": "NAME", "vhost": vhost}
        return {key: value.replace("NAME", user) for key, value in row.items()}

    def password(user: str) -> str:
        return base64.b64encode(b"salt" + hashlib.sha256(b"salt" + user.encode()).digest()).decode()

    every = {"configure": ".*", "write": ".*", "read": ".*"}
    vhosts = (VHOST, NO_STREAM, BARE)
    sha256 = "rabbit_password_hashing_sha256"
    users = [
        {"name": name, "password_hash": password(name), "hashing_algorithm": sha256, "tags": ""}
        for name in USERS
    ]
    rights = [permission(name, VHOST, change) for name, (change, _) in USERS.items()]
    rights += [permission("seek", vhost, {}) for vhost in (NO_STREAM, BARE)]
    rights += [{"user": "luotdoc", "vhost": vhost, **every} for vhost in vhosts]
    common = {"durable": True, "auto_delete": False}
    topic = {**common, "internal": False, "name": "luotdoc.events", "type": "topic"}
    topics = {"user": "topics", "vhost": VHOST, "exchange": "luotdoc.events"}
    stream = {"x-queue-type": "stream"}
    return json.dumps(
        {
            "vhosts": [{"name": vhost} for vhost in vhosts],
            "users": users,
            "permissions": [row for row in rights if row["user"] != "lost"],
            "topic_permissions": [{**topics, "write": "^$", "read": "^page"}],
            "exchanges": [{**topic, "vhost": vhost, "arguments": {}} for vhost in vhosts[:2]],
            "queues": [
                {**common, "name": "luotdoc.events.log", "vhost": VHOST, "arguments": stream}
            ],
        }
    )


@pytest.fixture(scope="module")
def node(broker: Node) -> Iterator[Node]:
    """The node with the users and vhosts of this file, which leave nothing in its vhost `/`."""
    broker.control("import_definitions", stdin=definitions())
    yield broker
    users = ", ".join(f'<<"{name}">>' for name in USERS)
    vhosts = ", ".join(f'<<"{name}">>' for name in (VHOST, NO_STREAM, BARE))
    broker.control(
        "eval",
        f'[rabbit_vhost:delete(V, <<"test">>) || V <- [{vhosts}]],'
        f'[rabbit_auth_backend_internal:delete_user(U, <<"test">>) || U <- [{users}]], ok.',
    )


def subscriber(url: str, queue: str) -> tuple[Broker, list[int]]:
    """A subscriber of articles that is not connected, and the revisions that it gets."""
    got = []
    broker = make_broker(SubscriberSettings(amqp_url=url), "probe")

    @subscribe(broker, queue, guard=None)
    async def index(event: Event[Article]) -> None:
        got.append(event.data.revision)

    return broker, got


def url_of(node: Node, user: str, vhost: str = VHOST, password: str = "") -> str:
    return f"{node.url_with(user, password or user).rstrip('/')}/{vhost}"


def administrator(node: Node, vhost: str = VHOST) -> str:
    return f"{node.url.rstrip('/')}/{vhost}"


async def refusal(broker: Broker, url: str) -> str:
    """The text with which the start ends."""
    try:
        async with asyncio.timeout(SECONDS):
            with pytest.raises(Refused) as error:
                await connect_subscriber(broker, url)
    finally:
        await broker.stop()
    return str(error.value)


async def start_is_refused(url: str, queue: str) -> str:
    broker, _ = subscriber(url, queue)
    return await refusal(broker, url)


def command(text: str) -> list[str]:
    """The one command of a refusal, without the program."""
    (found,) = re.findall(r"`rabbitmqctl (.*?)`", text)
    return shlex.split(found)


def rights_of(user: str) -> list[str]:
    """The command that gives a user the rights of deploy/rabbitmq/subscriber.json."""
    patterns = [RIGHTS[right].replace("NAME", user) for right in ("configure", "write", "read")]
    return ["set_permissions", "-p", VHOST, user, *patterns]


@pytest.mark.parametrize("user", LACKS)
async def test_a_right_that_is_missing(node: Node, user: str) -> None:
    text = await start_is_refused(url_of(node, user), f"{user}.articles")
    lacking = LACKS[user][1].replace("NAME", user)
    assert text.startswith(f"the user {user} lacks the right {lacking} in the vhost '{VHOST}': run")
    assert command(text) == rights_of(user)


@pytest.mark.parametrize("user", DECLARED)
async def test_a_right_that_is_missing_on_queues_that_exist(node: Node, user: str) -> None:
    admin, _ = subscriber(administrator(node), f"{user}.articles")
    try:
        await admin.connect()
        await declaring.declare_works(admin, admin.works)
    finally:
        await admin.stop()
    text = await start_is_refused(url_of(node, user), f"{user}.articles")
    lacking = DECLARED[user][1].replace("NAME", user)
    assert f"the user {user} lacks the right {lacking} in the vhost" in text
    assert command(text) == rights_of(user)


async def test_a_topic_that_the_user_may_not_read(node: Node) -> None:
    text = await start_is_refused(url_of(node, "topics"), "topics.articles")
    assert "lacks the right read on the topic article." in text
    assert command(text) == ["clear_topic_permissions", "-p", VHOST, "topics"]


@pytest.mark.parametrize("queue", ["finder.articles", "seek", "seeking.articles", "luotdoc.x"])
async def test_a_name_with_another_prefix(node: Node, queue: str) -> None:
    text = await start_is_refused(url_of(node, "seek"), queue)
    # The exchange `seek.dlx` begins with the prefix, the queue `seek` does not.
    refused = queue if queue == "seek" else f"{queue}.dlx"
    assert re.match(rf"the user seek may not use the (exchange|queue) {refused}: ", text)
    assert "the names of its queues must begin with `seek.`. Rename the queue" in text


@pytest.mark.parametrize(
    ("user", "name", "part"),
    [
        ("seek", "finder.counts", "names of its queues must begin with `seek.`"),
        ("no-events", "no-events.counts", "right read on the exchange luotdoc.events"),
        ("no-configure", "no-configure.counts", "right configure on the queue no-configure.counts"),
        ("no-write", "no-write.counts", "write"),
    ],
)
async def test_a_temporary_queue_needs_rights_too(
    node: Node, user: str, name: str, part: str
) -> None:
    url = url_of(node, user)
    broker = make_broker(SubscriberSettings(amqp_url=url), "probe")

    @listen(broker, name)
    async def show(event: Event[ReadsCounted]) -> None: ...

    assert part in await refusal(broker, url)


@pytest.mark.parametrize(("user", "password"), [("seek", "wrong"), ("nobody", "nobody")])
async def test_a_login_that_is_refused(node: Node, user: str, password: str) -> None:
    text = await start_is_refused(url_of(node, user, password=password), f"{user}.articles")
    assert text.startswith("RabbitMQ refuses the login: correct the user or the password in LUOTDO")
    assert "`rabbitmqctl change_password USER PASSWORD`" in text
    assert password not in text.replace("LUOTDOC_AMQP_URL", "")


async def test_a_vhost_that_does_not_exist(node: Node) -> None:
    text = await start_is_refused(url_of(node, "seek", "elsewhere"), "seek.articles")
    assert text.startswith("there is no vhost elsewhere: correct the path of LUOTDOC_AMQP_URL")
    assert command(text) == ["list_vhosts"]


async def test_a_vhost_without_rights(node: Node) -> None:
    text = await start_is_refused(url_of(node, "lost"), "lost.articles")
    assert text.startswith(f"the user lost has no rights in the vhost '{VHOST}': ")
    assert command(text) == rights_of("lost")


@pytest.mark.parametrize(
    ("vhost", "what"),
    [(BARE, "exchange luotdoc.events"), (NO_STREAM, "queue luotdoc.events.log")],
)
async def test_what_setup_has_not_declared(node: Node, vhost: str, what: str) -> None:
    text = await start_is_refused(url_of(node, "seek", vhost), "seek.articles")
    assert text.startswith(f"the {what} does not exist in the vhost '{vhost}': correct the path")
    assert "let the operators run `python -m shared.setup`" in text


@pytest.mark.parametrize("which", ["work", "parked", "retry"])
async def test_a_queue_with_other_arguments(node: Node, which: str) -> None:
    work = layout.WorkQueue(
        f"seek.other-{which}", layout.EVENTS_EXCHANGE, (), layout.RETRY_DELAYS, foreign=True
    )
    queue = {"work": work.queue, "parked": work.parked, "retry": work.retries[2]}[which]
    url = url_of(node, "seek")
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        arguments: dict[str, Any] = {"x-queue-type": "quorum"}
        await channel.declare_queue(queue.name, durable=True, arguments=arguments)
        text = await start_is_refused(url, work.name)
        assert text.startswith(f"the queue {queue.name} exists with another x-d")
        assert command(text) == ["delete_queue", "-p", VHOST, queue.name]
        await channel.queue_delete(queue.name)
    broker, _ = subscriber(url, work.name)
    await connect_subscriber(broker, url)
    await broker.stop()


async def test_an_exchange_with_another_type(node: Node) -> None:
    url = url_of(node, "seek")
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        await channel.declare_exchange("seek.typed.dlx", "topic", durable=True)
    text = await start_is_refused(url, "seek.typed")
    assert text.startswith("the exchange seek.typed.dlx exists with another type")
    assert f"`rabbitmqadmin -V {VHOST} delete exchange name=seek.typed.dlx`" in text


async def test_with_its_rights_a_subscriber_starts_and_leaves_no_trace_of_the_checks(
    node: Node,
) -> None:
    url = url_of(node, "seek")
    broker, got = subscriber(url, "seek.works")
    try:
        await connect_subscriber(broker, url)
        async with await aio_pika.connect(administrator(node)) as connection:
            channel = await connection.channel()
            events = await channel.get_exchange("luotdoc.events")
            one = message(example(ArticlePublished, revision=3))
            await events.publish(one, "article.published")
            await until(lambda: got == [3], 10, "the event is handled")
            stream = await channel.declare_queue("luotdoc.events.log", passive=True)
            assert stream.declaration_result.consumer_count == 0
            for queue in ("seek.works.parked", "seek.works.retry.1"):
                declared = await channel.declare_queue(queue, passive=True)
                assert declared.declaration_result.message_count == 0
    finally:
        await broker.stop()


PROCESS = """
from luotdoc_events.events import Article
from luotdoc_subscriber import Event, SubscriberSettings, load, make_broker, run, subscribe

settings = load(SubscriberSettings)
broker = make_broker(settings, "seek")

@subscribe(broker, "no-history.articles", guard=None)
async def index(event: Event[Article]) -> None: ...

run(settings, broker)
"""


async def test_a_process_ends_with_one_line_and_its_command_mends_it(node: Node) -> None:
    def process(seconds: float) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", PROCESS],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "LUOTDOC_AMQP_URL": url_of(node, "no-history")},
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    ended = await asyncio.to_thread(process, SECONDS)
    assert (ended.returncode, ended.stderr) == (1, "")
    lines = [json.loads(line) for line in ended.stdout.splitlines()]
    (critical,) = [line["message"] for line in lines if line["level"] == "CRITICAL"]
    lacking = "lacks the right read on the stream luotdoc.events.log"
    assert critical.startswith(f"seek ends: the user no-history {lacking}")
    assert not [line for line in lines if "exc_info" in line or line["level"] == "WARNING"]
    await asyncio.to_thread(node.control, *command(critical))
    broker, _ = subscriber(url_of(node, "no-history"), "no-history.articles")
    try:
        async with asyncio.timeout(SECONDS):
            await connect_subscriber(broker, url_of(node, "no-history"))
    finally:
        await broker.stop()


async def test_rabbitmq_that_is_away_is_waited_for() -> None:
    url = f"amqp://seek:seek@127.0.0.1:{ports.choose_port()}/"
    broker, _ = subscriber(url, "seek.articles")
    starting = asyncio.create_task(connect_subscriber(broker, url))
    done, _ = await asyncio.wait({starting}, timeout=2.5)
    assert not done
    starting.cancel()
    await asyncio.wait({starting})
    await broker.stop()
