"""A way out for batches in memory, and the contract that it and the real one pass."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from luotdoc_subscriber.base.errors import LuotdocError
from shared.rabbit.batch import Batch
from tests.support.batch_publisher import some_batch

Delivers = Callable[[Batch], Awaitable[None]]


def millis() -> int:
    """Milliseconds on the loop's clock, rounded: timers are sums of floating-point numbers."""
    return round(asyncio.get_running_loop().time() * 1000)


class DeliverInMemory:
    """`Outlet.deliver` without disk: it takes `takes` seconds, and fails while it is `broken`."""

    def __init__(self, takes: float = 0.0) -> None:
        self.takes = takes
        self.broken: Exception | None = None
        self.attempts: list[tuple[int, str]] = []
        """(milliseconds since the start, batch id)"""
        self.durable: list[Batch] = []
        self.at_once = self.most_at_once = 0

    async def __call__(self, batch: Batch) -> None:
        self.attempts.append((millis(), batch.batch_id))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(self.takes)
            if self.broken:
                raise self.broken
            self.durable.append(batch)
        finally:
            self.at_once -= 1

    @property
    def sent_at(self) -> list[int]:
        """The milliseconds of each attempt."""
        return [at for at, _ in self.attempts]

    @property
    def articles(self) -> list[str]:
        """What became durable, batch by batch: the articles of one joined, in the order of their
        first reads.
        """
        people = [
            [group for group in batch.groups if group[0] == "reader"] for batch in self.durable
        ]
        return [
            "".join(article * number for _, article, _, number, _, _ in groups) for groups in people
        ]

    @property
    def filtered(self) -> list[dict[str, int]]:
        """What was filtered, batch by batch: numbers by class and article."""
        return [filtered(batch) for batch in self.durable]


def filtered(batch: Batch) -> dict[str, int]:
    """Filtered reads of a batch: numbers by class and article."""
    return {
        f"{kind} {article}".strip(): n
        for kind, article, _, n, _, _ in batch.groups
        if kind != "reader"
    }


class DeliverContract:
    """What delivering a batch does. A subclass has the fixture `deliver`."""

    def is_durable(self, batch: Batch) -> bool:
        """Whether a batch is stored."""
        raise NotImplementedError

    def set_broken(self, broken: bool) -> None:
        """Let batches be stored nowhere, or where they belong."""
        raise NotImplementedError

    async def test_a_delivered_batch_is_durable(self, deliver: Delivers) -> None:
        assert not self.is_durable(some_batch(1))
        await deliver(some_batch(1))
        assert self.is_durable(some_batch(1))
        await asyncio.gather(*(deliver(some_batch(number)) for number in (2, 3)))
        assert self.is_durable(some_batch(2))
        assert self.is_durable(some_batch(3))

    async def test_a_refused_batch_may_be_delivered_again(self, deliver: Delivers) -> None:
        self.set_broken(True)
        with pytest.raises(LuotdocError):
            await deliver(some_batch(1))
        assert not self.is_durable(some_batch(1))
        self.set_broken(False)
        await deliver(some_batch(1))
        assert self.is_durable(some_batch(1))
