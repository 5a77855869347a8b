"""Which publishes wait until their bytes have left the process."""

from typing import Any, cast

from aio_pika import RobustExchange

from luotdoc_subscriber.rabbit import underlay


class Wire:
    """A channel that counts what is published, as aiormq's does."""

    def __init__(self) -> None:
        self.delivery_tag = 0
        self.waited: list[int] = []

    async def basic_publish(self, _body: bytes, *, wait: bool, **_rest: Any) -> None:
        self.delivery_tag += 1
        if wait:
            self.waited.append(self.delivery_tag)


class Exchange:
    """An exchange on an open channel."""

    name, is_closed = "e", False

    def __init__(self, wire: Wire) -> None:
        self.channel, self._wire = self, wire

    async def get_underlay_channel(self) -> Wire:
        return self._wire


async def test_the_first_publish_and_every_eighth_after_it_wait() -> None:
    wire = Wire()
    exchange = cast(RobustExchange, Exchange(wire))
    for _ in range(20):
        await underlay.publish_on_wire(exchange, b"", "k", underlay.Properties())
    assert wire.waited == [1, 9, 17]
