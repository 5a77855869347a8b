"""Runs a subscriber as a process:
connects, declares its queues, consumes until SIGTERM, serves health and metrics.
"""

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, NoReturn

from shared.base import log
from shared.base.settings import SubscriberSettings
from shared.base.tasks import background
from shared.rabbit import broker as rabbit
from shared.rabbit import declaring
from shared.subscriber.consuming import not_consuming
from shared.subscriber.queue_depth import watch
from shared.web.app import Service
from shared.web.server import serve


def run(
    settings: SubscriberSettings,
    broker: rabbit.Broker,
    *beside: Callable[[], Coroutine[Any, Any, None]],
) -> NoReturn:
    """Run the subscribers registered on `broker`,
    and the endless background work `beside`, until SIGTERM.

    Serves `/livez`, `/readyz` and `/metrics` on the settings' port. Ends the process.
    """

    @asynccontextmanager
    async def running() -> AsyncIterator[None]:
        declare = partial(declaring.declare_works, works=broker.works)
        try:
            await rabbit.connect(broker, settings.amqp_url, declare)
            async with background(watch(broker), *(work() for work in beside)):
                yield
        finally:
            await broker.stop()

    log.configure(broker.service, settings.log_level)

    def not_ready() -> str | None:
        return not_consuming(broker) if broker.up else broker.away

    serve(settings, Service(broker.service, running, not_ready, registry=broker.registry))
