"""The consumer on RabbitMQ settles each delivery of the table as `luotdoc_subscriber.testing` says.

The table has the verdicts, written by hand. What the real one did is read from its queues: where
the message is now, and what its copy carries.
"""

import asyncio
from functools import partial
from typing import Any

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from luotdoc_events.events import REPLAY_HEADER
from luotdoc_subscriber.base.metrics import Consuming
from luotdoc_subscriber.base.settings import SubscriberSettings
from luotdoc_subscriber.rabbit import broker as rabbit
from luotdoc_subscriber.rabbit import declaring, layout
from luotdoc_subscriber.subscribing import subscribe
from luotdoc_subscriber.testing import (
    FakeQueue,
    Handled,
    Ignored,
    Parked,
    Retried,
    Stale,
    Verdict,
)
from tests.support.frames import RawPublisher
from tests.support.system import System, until
from tests.support.verdict_cases import (
    CASES,
    DELAYS,
    RETRIES,
    WAITS,
    CrankyGuard,
    Sent,
    Subscriber,
)

WORK = layout.WorkQueue("probe.verdicts", layout.EVENTS_EXCHANGE, ("none",), DELAYS, foreign=True)
ACKED: dict[str, Verdict] = {"handled": Handled(), "stale": Stale(), "ignored": Ignored()}


class Real:
    """The real consumer of one queue, one message at a time."""

    def __init__(self, system: System, channel: AbstractChannel) -> None:
        self._url, self._channel = system.broker.url, channel
        self._broker = rabbit.make_broker(SubscriberSettings(amqp_url=self._url), "probe")
        self.subscriber = Subscriber()
        # With a prefetch of 1 no other message can succeed meanwhile: three attempts, as in the
        # fake queue.
        subscribe(self._broker, WORK, guard=CrankyGuard(), prefetch=1)(self.subscriber.handle)

    async def start(self) -> None:
        declare = partial(declaring.declare_works, works=[WORK])
        await rabbit.connect(self._broker, self._url, declare)

    async def stop(self) -> None:
        await self._broker.stop()
        for queue in (WORK.queue, *WORK.retries, WORK.parked):
            await self._channel.queue_delete(queue.name)

    def _settled(self) -> dict[str, float]:
        def count(outcome: str) -> float:
            labels = {"queue": WORK.name, "outcome": outcome}
            return self._broker.registry.get_sample_value("luotdoc_consumed_total", labels) or 0

        return {outcome: count(outcome) for outcome in Consuming.OUTCOMES}

    async def verdict(self, message: Sent) -> Verdict:
        """Send a message; where it is once the consumer has acked it."""
        before = self._settled()

        def send() -> None:
            with RawPublisher(self._url) as publisher:
                publisher.publish("", WORK.name.encode(), message.raw, message.body)

        await asyncio.to_thread(send)
        await until(lambda: self._settled() != before, 20, "the message is settled")
        after = self._settled()
        (outcome,) = (each for each in after if after[each] != before[each])
        found = [each for each in [await self._copy(queue.name) for queue in WORK.retries] if each]
        parked = await self._copy(WORK.parked.name)
        if outcome in ACKED:
            assert (found, parked) == ([], None), "it is acked, so there is no copy"
            return ACKED[outcome]
        (copy,) = [*found, *([parked] if parked else [])]
        assert copy.body == message.body
        if outcome == "retried":
            assert not parked
            return _retried(copy)
        assert outcome == "parked"
        assert copy is parked
        headers: Any = copy.headers
        return Parked(headers["x-luotdoc-reason"], headers["x-luotdoc-detail"])

    async def _copy(self, queue: str) -> AbstractIncomingMessage | None:
        """The message in a queue, which is empty then."""
        own = await self._channel.get_queue(queue, ensure=False)
        message = await own.get(fail=False)
        if message is not None:
            await message.ack()
        return message


def _retried(copy: AbstractIncomingMessage) -> Retried:
    """Which retry the copy in a retry queue is, by its key and its own count."""
    assert copy.routing_key
    delay = float(copy.routing_key.removeprefix(f"{WORK.name}.retry."))
    counts: dict[str, Any] = {name: copy.headers.get(name) for name in (RETRIES, WAITS)}
    # The count that has just grown belongs to the delay; the other one is as it was sent.
    for header, limit in ((WAITS, None), (RETRIES, len(DELAYS))):
        number = counts[header]
        if type(number) is int and delay == DELAYS[min(number, len(DELAYS)) - 1]:
            return Retried(delay, number, limit)
    raise AssertionError(f"{delay} is the delay of none of {counts}")


async def test_the_real_queue_and_the_fake_one_give_the_verdicts_of_the_table(
    system: System,
) -> None:
    real: dict[str, tuple[Verdict, int]] = {}
    details: dict[str, str] = {}
    fake_details: dict[str, str] = {}
    replays: dict[str, list[str]] = {}
    async with await aio_pika.connect(system.broker.url) as connection:
        queue = Real(system, await connection.channel())
        await queue.start()
        try:
            for name, case in CASES.items():
                for message in case.before:
                    await queue.verdict(message)
                queue.subscriber.calls, queue.subscriber.replays = 0, []
                verdict = await queue.verdict(case.message)
                real[name] = (verdict, queue.subscriber.calls)
                details[name] = _first_line(verdict)
                replays[name] = [*queue.subscriber.replays]
        finally:
            await queue.stop()
    assert real == {name: (case.verdict, case.calls) for name, case in CASES.items()}
    for name, case in CASES.items():
        subscriber = Subscriber()
        fake = FakeQueue(subscriber.handle, guard=CrankyGuard(), name=WORK.name, delays=DELAYS)
        for message in case.before:
            await fake.deliver_raw(message.body, properties=message.raw)
        subscriber.calls, subscriber.replays = 0, []
        verdict = await fake.deliver_raw(case.message.body, properties=case.message.raw)
        assert (verdict, subscriber.calls) == real[name], name
        assert subscriber.replays == replays[name], name
        fake_details[name] = _first_line(verdict)
    assert details == fake_details


def _first_line(verdict: Verdict) -> str:
    """The detail of a parked message; of a bug the first line, because the traceback differs."""
    if not isinstance(verdict, Parked):
        return ""
    return verdict.detail.partition("\n")[0] if verdict.reason == "bug" else verdict.detail


async def test_a_message_that_is_retried_and_parked_comes_as_often_as_the_fake_one_says(
    system: System,
) -> None:
    """With delays that end: the whole way of a message, once on RabbitMQ and once without."""
    work = layout.WorkQueue("probe.whole", WORK.exchange, ("none",), (0.1, 0.2), foreign=True)
    case = CASES["a failure"]
    subscriber = Subscriber()
    broker = rabbit.make_broker(SubscriberSettings(amqp_url=system.broker.url), "probe")
    subscribe(broker, work, guard=None)(subscriber.handle)
    try:
        await rabbit.connect(
            broker, system.broker.url, partial(declaring.declare_works, works=[work])
        )
        async with await aio_pika.connect(system.broker.url) as connection:
            channel = await connection.channel()
            headers: dict[str, Any] = {REPLAY_HEADER: "all"}
            await channel.default_exchange.publish(
                aio_pika.Message(case.message.body, headers=headers), work.name
            )
            parked = await channel.get_queue(work.parked.name)

            async def arrived() -> AbstractIncomingMessage | None:
                return await parked.get(fail=False, no_ack=True)

            copy = await until(arrived, 20, "the message is parked")
            for each in (work.queue, *work.retries, work.parked):
                await channel.queue_delete(each.name)
    finally:
        await broker.stop()
    fake = Subscriber()
    queue = FakeQueue(fake.handle, guard=None, delays=work.delays)
    verdict: Verdict = await queue.deliver_raw(case.message.body, {REPLAY_HEADER: "all"})
    verdicts = [verdict]
    while isinstance(verdict, Retried):
        again = {REPLAY_HEADER: "all", verdict.header: verdict.number}
        verdicts.append(verdict := await queue.deliver_raw(case.message.body, again))
    assert verdicts == [
        Retried(0.1, 1, 2),
        Retried(0.2, 2, 2),
        Parked(copy.headers["x-luotdoc-reason"]),
    ]
    assert (subscriber.calls, subscriber.replays) == (fake.calls, fake.replays) == (3, ["all"] * 3)
    assert copy.headers[RETRIES] == 2
