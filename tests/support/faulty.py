"""What fakes of servers have in common: they note queries, fail, hang, and have change streams."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Generic, TypeVar

from luotdoc_subscriber.base.errors import Transient
from shared.storage import changes
from shared.storage.changes import Opened

T = TypeVar("T")


class Faulty:
    """A fake server. Its queries fail while `away`, hang while it is frozen, and raise what `fails`
    returns for the name and the arguments of a query.
    """

    def __init__(self) -> None:
        self.asked: list[tuple[object, ...]] = []
        """The name and the arguments of each query."""
        self.fails: Callable[..., Exception | None] = lambda _query, *_of: None
        self.away = False
        self.thawed = asyncio.Event()
        self.thawed.set()

    def freeze(self) -> None:
        """Give no answer until `thaw`, as a server does whose disk hangs."""
        self.thawed.clear()

    def thaw(self) -> None:
        """Answer again, also what was asked meanwhile."""
        self.thawed.set()

    async def answer(self, query: str, *of: object) -> None:
        """Return when `query` may have its result."""
        self.asked.append((query, *of))
        await self.thawed.wait()
        if self.away:
            raise Transient("MongoDB: connection closed")
        if error := self.fails(query, *of):
            raise error

    def queries(self, name: str) -> list[object]:
        """The first argument of each query with this name."""
        return [of[0] if of else None for query, *of in self.asked if query == name]


class Streams(Generic[T]):
    """The open change streams of a collection in memory."""

    def __init__(self, server: Faulty) -> None:
        self._server = server
        self._open: list[asyncio.Queue[T | Exception | None]] = []

    def send(self, change: T | Exception | None) -> None:
        """Send a change or a sign of life (None) to each open stream, or end it with an error."""
        for each in self._open:
            each.put_nowait(change)

    async def watch(self, opened: Opened) -> AsyncIterator[T | None]:
        """The changes from now on; None after each time `WAIT_MS` without one."""
        await self._server.answer("watch")
        changed: asyncio.Queue[T | Exception | None] = asyncio.Queue()
        self._open.append(changed)
        try:
            await opened()
            while True:
                change: T | Exception | None = None
                with suppress(TimeoutError):
                    async with asyncio.timeout(changes.WAIT_MS / 1000):
                        change = await changed.get()
                if isinstance(change, Exception):
                    raise change
                await self._server.thawed.wait()
                yield change
        finally:
            self._open.remove(changed)
