"""Settles each message of a work queue of events, by the verdict of `luotdoc_subscriber.decision`.

`luotdoc_subscriber.subscribing` has the rules for handlers.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from weakref import WeakValueDictionary

from aio_pika.abc import AbstractIncomingMessage
from aio_pika.exceptions import DeliveryError

from luotdoc_events import events
from luotdoc_subscriber.attempts import handle_newer, retry_in_place
from luotdoc_subscriber.base.clock import Clock
from luotdoc_subscriber.base.errors import Transient
from luotdoc_subscriber.base.log import correlation, harmless
from luotdoc_subscriber.decision import Delivery, Event, Handler, Lost, decide
from luotdoc_subscriber.guard import Guard, subject_of
from luotdoc_subscriber.parking import forward, park, passed_on
from luotdoc_subscriber.rabbit.broker import BROKER_ERRORS, RETRY_SECONDS, Broker
from luotdoc_subscriber.rabbit.layout import WorkQueue
from luotdoc_subscriber.rabbit.message_spans import handling_span
from luotdoc_subscriber.verdicts import Parked, Retried, Verdict

log = logging.getLogger(__name__)


class Consumer:
    """Settles the messages of one work queue. Any number may be in flight at once."""

    def __init__(
        self,
        broker: Broker,
        work: WorkQueue,
        kinds: tuple[type[events.Data], ...],
        handle: Handler,
        guard: Guard | None,
        clock: Clock,
        prefetch: int,
    ) -> None:
        """`handle` gets events of `kinds` that `guard` lets through;
        at most `prefetch` messages are in flight.
        """
        self._broker, self._work, self._handle = broker, work, handle
        self._types = {events.type_of(kind) for kind in kinds}
        self._guard, self._clock, self._prefetch = guard, clock, prefetch
        if not work.delays:
            raise ValueError(
                f"{work.name} needs at least one delay, for what has to be tried again"
            )
        self._in_hand = self._handled = 0
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._extra = {"queue": work.name}
        self._metrics = broker.consuming
        self._metrics.prepare(work.name)

    async def take(self, message: AbstractIncomingMessage) -> None:
        """Handle `message` and ack it.
        If its channel is lost it stays unacked and is delivered again.
        """
        correlation.set(harmless(message.correlation_id))
        self._in_hand += 1
        try:
            with handling_span(self._broker.tracer, self._work.name, message) as span:
                verdict = await self._settle(message)
                span.note({"luotdoc.outcome": verdict.outcome})
                if isinstance(verdict, Retried | Parked):
                    span.fail(verdict.detail)
                await message.ack()
        except (Lost, *BROKER_ERRORS) as error:
            log.warning("not settled, RabbitMQ will deliver it again: %s", error, extra=self._extra)
        except Exception:
            # Without this FastStream drops the message without a log line.
            log.exception(
                "a bug in settling; the message stays unacked until the process ends",
                extra=self._extra,
            )
        else:
            self._metrics.settled.labels(self._work.name, verdict.outcome).inc()
        finally:
            self._in_hand -= 1

    async def _settle(self, message: AbstractIncomingMessage) -> Verdict:
        taken: Event[events.Data] | None = None

        async def handle(event: Event[events.Data]) -> bool:
            nonlocal taken
            async with self._turn(event.envelope):
                new = await self._held(event, message)
            taken = event
            return new

        delivery = Delivery(message.body, message.headers)
        verdict = await decide(delivery, self._types, self._work.delays, handle)
        if isinstance(verdict, Retried):
            await self._step_aside(message, verdict)
        elif isinstance(verdict, Parked):
            await self._park(message, verdict)
        if taken is not None and not taken.replay:
            age = (self._clock() - taken.envelope.time).total_seconds()
            self._metrics.age.labels(self._work.name).observe(max(0.0, age))
        return verdict

    def _turn(self, envelope: events.Envelope) -> asyncio.Lock:
        """The lock of the event's subject. Waiting events get it in the order of their arrival."""
        if envelope.subject is None:
            return asyncio.Lock()
        return self._turns.setdefault(subject_of(envelope), asyncio.Lock())

    async def _held(self, event: Event[events.Data], message: AbstractIncomingMessage) -> bool:
        """Handle `event`, retried in place. Answers whether it was new."""
        handled_before = self._handled

        def others_succeed() -> bool:
            nonlocal handled_before
            succeeded = self._handled > handled_before or self._all_wait_for_one
            handled_before = self._handled
            return succeeded

        async def failed(number: int, seconds: float, error: Transient) -> None:
            if number == 1:
                log.warning("retrying in place: %s", error, extra=self._extra)
            self._metrics.retries.labels(self._work.name).inc()
            await self._pause(message, seconds, error)

        new = await retry_in_place(
            lambda: handle_newer(event, self._work.name, self._handle, self._guard),
            others_succeed,
            failed,
        )
        self._handled += 1
        return new

    @property
    def _all_wait_for_one(self) -> bool:
        """True if all messages in flight wait for one subject:
        then no other message can show that it succeeds.
        """
        return self._in_hand == self._prefetch and len(self._turns) == 1

    async def _step_aside(self, message: AbstractIncomingMessage, verdict: Retried) -> None:
        rung = self._work.retries[self._work.delays.index(verdict.delay)].name
        headers = {**passed_on(message.headers), verdict.header: verdict.number}
        await self._until_confirmed(
            message, lambda: forward(self._broker, self._work, rung, message, headers)
        )
        self._metrics.retries.labels(self._work.name).inc()
        log.warning("sent to the retry queue %s: %s", rung, verdict.detail, extra=self._extra)

    async def _park(self, message: AbstractIncomingMessage, verdict: Parked) -> None:
        if verdict.error is not None:
            log.error(
                "a bug in the handler; the message is parked",
                exc_info=verdict.error,
                extra=self._extra,
            )
        reason, detail = verdict.reason, verdict.detail
        await self._until_confirmed(
            message, lambda: park(self._broker, self._work, message, reason, detail, self._clock)
        )
        log.error("parked: %s: %.500s", reason, detail, extra=self._extra)

    async def _until_confirmed(
        self, message: AbstractIncomingMessage, send: Callable[[], Awaitable[None]]
    ) -> None:
        while True:
            try:
                return await send()
            except (Transient, DeliveryError) as error:
                log.warning(
                    "the message can't be retried later or parked yet: %s", error, extra=self._extra
                )
                await self._pause(message, RETRY_SECONDS, error)

    async def _pause(
        self, message: AbstractIncomingMessage, seconds: float, error: Exception
    ) -> None:
        await asyncio.sleep(seconds)
        if message.channel.is_closed:
            raise Lost(f"the channel was closed while {error}") from error
