"""Notices that RabbitMQ refuses the messages of one kind for longer than a queue needs to get a new
leader. Pure.

A channel of RabbitMQ 3.10 has clients of its own for the quorum queues that it publishes to. After
a node was lost, one was seen to refuse for ever what the queue's new leader would have taken; a new
channel has a new client.
"""

REFUSED_SECONDS = 10.0
"""Time of refusals without a confirm after which a channel is renewed."""

Address = tuple[str, str]
"""Exchange and routing key."""


class Refusals:
    """Since when messages are refused, by address, in seconds of a monotonic clock."""

    def __init__(self) -> None:
        self._since: dict[Address, float] = {}

    def __bool__(self) -> bool:
        return bool(self._since)

    def last(self, address: Address, now: float) -> bool:
        """Note a refusal. True if they have lasted too long; then the time begins anew."""
        since = self._since.setdefault(address, now)
        if now - since < REFUSED_SECONDS:
            return False
        self._since[address] = now
        return True

    def ended(self, address: Address) -> None:
        """Note a confirm."""
        self._since.pop(address, None)
