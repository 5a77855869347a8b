"""A witness of everything that the services publish on `luotdoc.events`, judged by others than
ourselves.

Each event is checked against its committed schemas with ajv, and read by the CloudEvents SDKs of
Python and JavaScript.
"""

import json
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Self

import aio_pika
import pytest
from aio_pika.abc import AbstractIncomingMessage
from cloudevents.core.bindings.rabbitmq import RabbitMQMessage, from_rabbitmq_event

from luotdoc_events import events
from luotdoc_subscriber.rabbit import layout

ROOT = Path(__file__).parents[2]
QUEUE = "tests.witness"
OURS = "luotdoc-"
"""Begins the application id of what a service publishes; tests publish without one, and nonsense
too.
"""


def node(script: str, *arguments: str) -> list[str]:
    """The command that runs tests/js/`script`; fails the test that cannot run it."""
    if not shutil.which("node") or not (ROOT / "node_modules").exists():
        pytest.fail("Node.js or node_modules is missing: `make node` installs what is")
    return ["node", str(ROOT / "tests/js" / script), *arguments]


class Judge:
    """Says what is wrong with an event; one Node.js process for all, because its start takes half a
    second.
    """

    def __init__(self, schemas: Path = ROOT / "docs/events/schemas") -> None:
        self._command = node("events.mjs", str(schemas))
        self.passed: Counter[str] = Counter()

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=10)

    def fault(self, body: bytes, content_type: str, key: str, message_id: str) -> str:
        """What is wrong with this message; empty when nothing is."""
        try:
            read = from_rabbitmq_event(RabbitMQMessage({}, content_type, body))
        except Exception as error:
            return f"Python's SDK: {type(error).__name__}: {error}"
        if (content_type, read.get_type(), read.get_id()) != (
            events.CONTENT_TYPE,
            f"luotdoc.{key}.v{read.get_type().rpartition('.v')[2]}",
            message_id,
        ):
            return (
                f"sent as {content_type} {key} {message_id}, but is {read.get_type()} "
                f"{read.get_id()}"
            )
        assert self._process.stdin
        assert self._process.stdout
        line = {"body": body.decode(), "headers": {"content-type": content_type}}
        self._process.stdin.write(json.dumps(line) + "\n")
        self._process.stdin.flush()
        fault = str(json.loads(self._process.stdout.readline()))
        if not fault:
            self.passed[read.get_type()] += 1
        return fault


class Witness:
    """A queue of its own, bound to everything."""

    def __init__(self, url: str, judge: Judge) -> None:
        self._url, self._judge = url, judge

    async def open(self) -> None:
        """Begin with nothing."""
        async with await aio_pika.connect(self._url) as connection:
            channel = await connection.channel()
            await channel.queue_delete(QUEUE)
            queue = await channel.declare_queue(QUEUE, durable=True)
            await queue.bind(layout.EVENTS_EXCHANGE.name, "#")

    async def faults(self) -> list[str]:
        """What is wrong with what came from our services since the last look."""
        found = []
        async with await aio_pika.connect(self._url) as connection:
            channel = await connection.channel()
            queue = await channel.get_queue(QUEUE)
            while message := await queue.get(fail=False, no_ack=True):
                if (message.app_id or "").startswith(OURS) and (fault := self._judged(message)):
                    found.append(
                        f"{message.routing_key}: {fault}: "
                        f"{message.body.decode(errors='replace')[:500]}"
                    )
        return found

    async def close(self) -> None:
        """Look no longer."""
        async with await aio_pika.connect(self._url) as connection:
            await (await connection.channel()).queue_delete(QUEUE)

    def _judged(self, message: AbstractIncomingMessage) -> str:
        key, identity = message.routing_key or "", message.message_id or ""
        return self._judge.fault(message.body, message.content_type or "", key, identity)
