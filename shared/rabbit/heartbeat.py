"""Heartbeats: how subscribers tell "nothing happens" from "nothing gets through"."""

import asyncio
import logging
import secrets
from collections.abc import Callable, Sequence

from luotdoc_events import events
from shared.base.clock import Clock
from shared.base.errors import Transient
from shared.rabbit.broker import Broker
from shared.rabbit.publishing import publish_event

log = logging.getLogger(__name__)


class Heartbeats:
    """One process's heartbeats for the types of event that it publishes.

    `well` answers whether what it has to publish gets out now; while it does not, the process stays silent, and so
    it is while RabbitMQ does not confirm. Replicas beat each for itself: a type is silent when all of them are.
    """

    def __init__(
        self,
        broker: Broker,
        producer: str,
        kinds: Sequence[type[events.Data]],
        interval: float,
        well: Callable[[], bool],
        clock: Clock,
    ) -> None:
        self._broker, self._producer, self._interval, self._well, self._clock = broker, producer, interval, well, clock
        self._names = [kind.name for kind in kinds]
        self._instance = secrets.token_hex(6)
        broker.publishing.prepare(*self._names, events.Heartbeat.name)

    async def run(self) -> None:
        """Beat every `interval` seconds, for ever."""
        while True:
            if self._well():
                try:
                    await self._beat()
                except Transient as error:
                    log.debug("no heartbeat: %s", error)
            await asyncio.sleep(self._interval)

    async def _beat(self) -> None:
        for name in self._names:
            last_id, last_time = self._broker.confirmed.get(name, (None, None))
            data = events.Heartbeat(
                producer=self._producer,
                instance=self._instance,
                event=name,
                interval=self._interval,
                last_id=last_id,
                last_time=last_time,
            )
            await publish_event(
                self._broker,
                data,
                id=secrets.token_hex(16),
                source=f"/luotdoc/{self._producer}",
                time=self._clock(),
            )
