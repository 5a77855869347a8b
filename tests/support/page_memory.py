"""Pages in memory that only note what they are told."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from services.render.page import Page


class NotedMemory:
    """Notes in `steps` which pages were dropped, and which were waited for."""

    def __init__(self, steps: list[str]) -> None:
        self.steps = steps

    @contextmanager
    def expecting(self, page: Page) -> Iterator[Callable[[], Awaitable[None]]]:
        """As `PageCache`, whose change stream reports at once."""

        async def reported() -> None:
            self.steps.append(f"reported {page.id}")

        yield reported

    def forget(self, article_id: str) -> None:
        """As `PageCache`."""
        self.steps.append(f"dropped {article_id}")
