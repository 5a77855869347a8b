"""Runs a subscriber as a process:
connects, declares its queues, consumes until SIGTERM, serves health and metrics.
"""

import asyncio
import logging
import os
import signal
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

from luotdoc_subscriber.base import log as logs
from luotdoc_subscriber.base.errors import Refused
from luotdoc_subscriber.base.metrics import Process
from luotdoc_subscriber.base.settings import SubscriberSettings
from luotdoc_subscriber.base.tasks import background
from luotdoc_subscriber.consuming import not_consuming
from luotdoc_subscriber.health import HealthServer
from luotdoc_subscriber.queue_depth import watch_depth
from luotdoc_subscriber.rabbit import broker as rabbit
from luotdoc_subscriber.rabbit.declaring import declare_works
from luotdoc_subscriber.rabbit.faults import beyond_waiting
from luotdoc_subscriber.rabbit.rights import check_rights

log = logging.getLogger(__name__)

END_SECONDS = 8.0
"""Time for the handlers in flight and the connection to end after SIGTERM."""

Work = Callable[[], Coroutine[Any, Any, None]]


def run(settings: SubscriberSettings, broker: rabbit.Broker, *beside: Work) -> NoReturn:
    """Run the subscribers registered on `broker`,
    and the endless background work `beside`, until SIGTERM.

    Serves `/livez`, `/readyz` and `/metrics` on the settings' port. Ends the process, with status
    0, or 1 after an error, such as a right that the user lacks at the start.
    """
    logs.configure(broker.service, settings.log_level)
    subscriber = _Subscriber(settings, broker, beside)
    # Before the event loop starts: a signal that comes earlier is not lost.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, subscriber.end)
    status = asyncio.run(subscriber.live())
    logging.shutdown()
    # A normal exit of Python waits for threads, and they may wait for a frozen disk for ever.
    os._exit(status)


async def connect_subscriber(broker: rabbit.Broker, amqp_url: str) -> None:
    """Connect, declare and start consuming, and wait for RabbitMQ while it is away.

    Raises `Refused` for a fault that waiting does not mend: a login, a right, a queue's name or
    arguments, an exchange that does not exist. The text has the command that mends it.
    """

    async def declare(_broker: rabbit.Broker) -> None:
        await declare_works(broker, broker.works)
        if broker.works:
            await check_rights(await broker.connect(), broker.works)

    names = [work.name for work in broker.works]
    await rabbit.connect(
        broker, amqp_url, declare, hopeless=lambda error: beyond_waiting(error, names)
    )


class _Subscriber:
    """One run of a subscriber's process."""

    def __init__(
        self, settings: SubscriberSettings, broker: rabbit.Broker, beside: tuple[Work, ...]
    ) -> None:
        self._settings, self._broker, self._beside = settings, broker, beside
        self._stop = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ready = Process(broker.registry).ready
        self._ready.set_function(lambda: 0.0 if self._why_not() else 1.0)

    def end(self, _number: int, _frame: object) -> None:
        """Ask for the end; a signal handler."""
        if self._loop is None:
            self._stop.set()
        else:
            self._loop.call_soon_threadsafe(self._stop.set)

    def _why_not(self) -> str | None:
        if self._stop.is_set():
            return "stopping"
        return not_consuming(self._broker) if self._broker.up else self._broker.away

    async def live(self) -> int:
        """Serve and consume until the end. Answers the exit status."""
        self._loop = asyncio.get_running_loop()
        server = HealthServer(self._why_not, self._broker.registry)
        try:
            async with server.listening(self._settings.host, self._settings.port) as (host, port):
                log.info("health and metrics are served on http://%s:%d", host, port)
                return await self._until_stopped()
        except OSError as error:
            log.critical("%s can't listen: %s", self._broker.service, error)
            return 1

    async def _until_stopped(self) -> int:
        consuming = asyncio.create_task(self._consume())
        stopped = asyncio.create_task(self._stop.wait())
        await asyncio.wait({consuming, stopped}, return_when=asyncio.FIRST_COMPLETED)
        failed = consuming.done()
        self._stop.set()
        consuming.cancel()
        _, unfinished = await asyncio.wait({consuming}, timeout=END_SECONDS)
        if unfinished:
            log.warning(
                "%s ends before a frozen server has answered; nothing is lost", self._broker.service
            )
        return 1 if failed else 0

    async def _consume(self) -> None:
        try:
            await connect_subscriber(self._broker, self._settings.amqp_url)
            log.info("%s has started", self._broker.service)
            async with background(watch_depth(self._broker), *(work() for work in self._beside)):
                await asyncio.Event().wait()
        except Refused as error:
            log.critical("%s ends: %s", self._broker.service, error)
        except Exception:
            log.critical("%s failed and ends", self._broker.service, exc_info=True)
        finally:
            await self._broker.stop()
            log.info("%s has stopped", self._broker.service)
