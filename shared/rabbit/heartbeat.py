"""Heartbeats: they let subscribers tell a quiet time from a fault."""

import secrets
from collections.abc import Callable, Sequence

from luotdoc_events import events
from luotdoc_subscriber.base.clock import Clock
from luotdoc_subscriber.base.tasks import supervised
from luotdoc_subscriber.rabbit.broker import Broker
from luotdoc_subscriber.rabbit.publishing import publish_event


class Heartbeats:
    """Sends one process's heartbeats for the event types that it publishes.

    Sends none while `well` answers False, because the process can't publish, or while RabbitMQ
    doesn't confirm. Each replica sends its own, so a type is silent only when all its replicas are.
    """

    def __init__(
        self,
        *,
        broker: Broker,
        producer: str,
        kinds: Sequence[type[events.Data]],
        interval: float,
        well: Callable[[], bool],
        clock: Clock,
    ) -> None:
        self._broker, self._producer, self._interval = broker, producer, interval
        self._well, self._clock = well, clock
        self._names = [kind.name for kind in kinds]
        self._instance = secrets.token_hex(6)
        broker.publishing.prepare(*self._names, events.Heartbeat.name)

    async def run(self) -> None:
        """Send heartbeats every `interval` seconds, for ever."""
        await supervised("the heartbeat", self._beat, self._interval)

    async def _beat(self) -> None:
        if not self._well():
            return
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
