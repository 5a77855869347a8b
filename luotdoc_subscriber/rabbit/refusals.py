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
    """Refusals by address, in seconds of a monotonic clock."""

    def __init__(self) -> None:
        self._spans: dict[Address, tuple[float, float]] = {}
        """First and latest refusal."""

    def __bool__(self) -> bool:
        return bool(self._spans)

    def note(self, address: Address, now: float) -> bool:
        """Note a refusal. True if they have lasted too long; then the time begins anew, as it does
        after so long a time without a refusal.
        """
        first, latest = self._spans.get(address, (now, now))
        if now - latest > REFUSED_SECONDS:
            first = now
        lasted = now - first >= REFUSED_SECONDS
        self._spans[address] = (now if lasted else first, now)
        return lasted

    def ended(self, address: Address) -> None:
        """Note a confirm."""
        self._spans.pop(address, None)

    def forget(self) -> None:
        """Forget all: the connection is another one."""
        self._spans.clear()
