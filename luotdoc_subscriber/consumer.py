"""Settles each message of a work queue of events: handled, stale, ignored, retried or parked.

`luotdoc_subscriber.subscribing` has the rules for handlers.
"""

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from weakref import WeakValueDictionary

from aio_pika.abc import AbstractIncomingMessage
from aio_pika.exceptions import DeliveryError
from pydantic import ValidationError

from luotdoc_events import events
from luotdoc_subscriber.base.clock import Clock
from luotdoc_subscriber.base.errors import Permanent, Retry, Transient
from luotdoc_subscriber.base.log import correlation, harmless
from luotdoc_subscriber.base.tasks import backoff
from luotdoc_subscriber.guard import Guard, outdated, subject_of
from luotdoc_subscriber.parking import check_readable, forward, park, passed_on
from luotdoc_subscriber.rabbit.broker import BROKER_ERRORS, RETRY_SECONDS, Broker
from luotdoc_subscriber.rabbit.layout import WorkQueue

log = logging.getLogger(__name__)

D = TypeVar("D", bound=events.Data, covariant=True)

RETRIES, WAITS = "x-luotdoc-retries", "x-luotdoc-waits"
"""Headers that count how often a message went to a retry queue:
after `Retry` (limited), after `Transient` (not)."""
FIRST_DELAY, LAST_DELAY = 0.1, 10.0
"""Backoff between attempts while a server is away, in seconds: doubled each time, up to the
last."""
MAX_COUNT = 1_000_000
"""Upper bound for the counts in these headers. A larger one does not come from us and is
ignored."""
MAX_EVENT_BYTES = 8 * 1024 * 1024
"""Upper bound for the bytes of an event; an article has at most a third of this."""
HELD_ATTEMPTS, HELD_SECONDS = 3, 30.0
"""Bounds of retry in place: after so many attempts if other messages succeed meanwhile, else after
so many seconds, the message goes to a retry queue."""


@dataclass(frozen=True, slots=True)
class Event(Generic[D]):
    """An event as a handler gets it: parsed data and CloudEvents attributes."""

    data: D
    envelope: events.Envelope
    replay: str = ""
    """Name of the replay; empty for a live event. Don't send e-mail or count for a replayed
    event."""


Handler = Callable[[Event[Any]], Awaitable[bool | None]]


MAX_LISTED_FAULTS = 20


class Lost(Exception):
    """The message's channel is closed, so the message can't be acked and will be delivered
    again.
    """


def delay(attempt: int) -> float:
    """Backoff in seconds after failed attempt number `attempt`, from 1."""
    return backoff(attempt, FIRST_DELAY, LAST_DELAY)


@contextmanager
def _as_permanent() -> Iterator[None]:
    try:
        yield
    except KeyError as error:
        raise Permanent("unknown_event", f"no event is named {error!s:.200}") from error
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
            for fault in error.errors(include_url=False, include_input=False)[:MAX_LISTED_FAULTS]
        )
        raise Permanent("bad_event", faults) from error


def parse_event(body: bytes) -> tuple[events.Envelope, events.Data]:
    """Parse an event. Raises `Permanent` with the reason `unknown_event` or `bad_event`."""
    _check_size(body)
    with _as_permanent():
        return events.decode(body)


def _check_size(body: bytes) -> None:
    if len(body) > MAX_EVENT_BYTES:
        raise Permanent("bad_event", f"the body has {len(body)} bytes, more than {MAX_EVENT_BYTES}")


class Consumer:
    """Settles the messages of one work queue. Any number may be in flight at once."""

    def __init__(
        self,
        broker: Broker,
        work: WorkQueue,
        kinds: tuple[type[events.Data], ...],
        handle: Handler,
        guard: Guard,
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
            outcome = await self._settle(message)
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
            self._metrics.settled.labels(self._work.name, outcome).inc()
        finally:
            self._in_hand -= 1

    async def _settle(self, message: AbstractIncomingMessage) -> str:
        try:
            event = self._read(message)
            if event is None:
                return "ignored"
            async with self._turn(event.envelope):
                new = await self._retry_in_place(event, message)
        except (Lost, asyncio.CancelledError):
            raise
        except Transient as error:
            return await self._step_aside(message, WAITS, error)
        except Retry as error:
            if _count(message, RETRIES) < len(self._work.delays):
                return await self._step_aside(message, RETRIES, error)
            return await self._park(message, error.reason, str(error))
        except Permanent as error:
            return await self._park(message, error.reason, str(error))
        except Exception as error:
            log.exception("a bug in the handler; the message is parked", extra=self._extra)
            return await self._park(message, "bug", f"{error!r}\n{traceback.format_exc()}")
        if not event.replay:
            age = (self._clock() - event.envelope.time).total_seconds()
            self._metrics.age.labels(self._work.name).observe(max(0.0, age))
        return "handled" if new else "stale"

    def _read(self, message: AbstractIncomingMessage) -> Event[events.Data] | None:
        """The parsed event; None if the handler doesn't take this event, or not in this version."""
        check_readable(message)
        _check_size(message.body)
        with _as_permanent():
            envelope = events.Envelope.model_validate_json(message.body)
            if envelope.type not in self._types and envelope.name in events.EVENTS:
                return None
            data = events.data_of(envelope)
        if data.of_article and (envelope.subject is None or envelope.sequence is None):
            # Without them no guard could drop it, however old it is.
            raise Permanent("bad_event", f"{envelope.name} must have a subject and a sequence")
        return Event(data, envelope, _replay(message))

    def _turn(self, envelope: events.Envelope) -> asyncio.Lock:
        """The lock of the event's subject. Waiting events get it in the order of their arrival."""
        if envelope.subject is None:
            return asyncio.Lock()
        return self._turns.setdefault(subject_of(envelope), asyncio.Lock())

    async def _retry_in_place(
        self, event: Event[events.Data], message: AbstractIncomingMessage
    ) -> bool:
        """Retry in place while the handler raises `Transient`. Answers whether the event was new.

        Re-raises once other messages succeed,
        because then the fault is this message's, or after `HELD_SECONDS`.
        """
        loop = asyncio.get_running_loop()
        attempt, handled_before, until = 0, 0, loop.time() + HELD_SECONDS
        while True:
            try:
                new = await self._handle_newer(event)
            except Transient as error:
                attempt += 1
                own = self._handled > handled_before or self._all_wait_for_one
                if (own and attempt >= HELD_ATTEMPTS) or loop.time() > until:
                    raise
                if attempt == 1:
                    log.warning("retrying in place: %s", error, extra=self._extra)
                self._metrics.retries.labels(self._work.name).inc()
                handled_before = self._handled
                await self._pause(message, delay(attempt), error)
            else:
                self._handled += 1
                return new

    @property
    def _all_wait_for_one(self) -> bool:
        """True if all messages in flight wait for one subject:
        then no other message can show that it succeeds.
        """
        return self._in_hand == self._prefetch and len(self._turns) == 1

    async def _handle_newer(self, event: Event[events.Data]) -> bool:
        envelope = event.envelope
        if envelope.sequence is None:
            return await self._handle(event) is not False
        # The queue is part of the key:
        # two handlers may share a guard, and an event is new for each of them.
        subject = f"{self._work.name}/{subject_of(envelope)}"
        if outdated(envelope, await self._guard.held(subject), bool(event.replay)):
            return False
        new = await self._handle(event) is not False
        await self._guard.keep(subject, int(envelope.sequence))
        return new

    async def _step_aside(
        self, message: AbstractIncomingMessage, header: str, error: Exception
    ) -> str:
        done = _count(message, header)
        rung = self._work.retries[min(done, len(self._work.retries) - 1)].name
        headers = {**passed_on(message.headers), header: done + 1}
        await self._until_confirmed(
            message, lambda: forward(self._broker, self._work, rung, message, headers)
        )
        self._metrics.retries.labels(self._work.name).inc()
        log.warning("sent to the retry queue %s: %s", rung, error, extra=self._extra)
        return "retried"

    async def _park(self, message: AbstractIncomingMessage, reason: str, detail: str) -> str:
        await self._until_confirmed(
            message, lambda: park(self._broker, self._work, message, reason, detail, self._clock)
        )
        log.error("parked: %s: %.500s", reason, detail, extra=self._extra)
        return "parked"

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


def _count(message: AbstractIncomingMessage, header: str) -> int:
    value = message.headers.get(header)
    return value if type(value) is int and 0 < value <= MAX_COUNT else 0


def _replay(message: AbstractIncomingMessage) -> str:
    """Name of the replay; empty for a live event.
    A name that is not text still marks a replay, as `?`.
    """
    value = message.headers.get(events.REPLAY_HEADER)
    if isinstance(value, str):
        return value[:255]
    return "" if value is None else "?"
