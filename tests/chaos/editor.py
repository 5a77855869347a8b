"""An editor who publishes articles and keeps on editing them, each change repeated until it is
accepted.
"""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from tests.chaos.client import Client, NotSent, Unanswered
from tests.chaos.fleet import Replica
from tests.support.system import TOKEN

PAUSE = 0.4
AFTER_FAILURE = 0.1


@dataclass
class Edited:
    """The last change that was accepted."""

    revision: int = 0
    edition: int = 0


class Editor:
    """Edits `articles` in turn until it is stopped."""

    def __init__(self, ingests: Sequence[Replica], dice: random.Random, token: str = TOKEN) -> None:
        self._ingests, self._dice, self._client = ingests, dice, Client()
        self.token = token
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.edited: dict[str, Edited] = {}
        self.odd: list[str] = []

    async def publish(self, article: str) -> None:
        """One edition more than before: the first publishes, the next ones grow. Returns once it is
        accepted.
        """
        state = self.edited.setdefault(article, Edited())
        edition = state.edition + 1
        paragraphs = "".join(f"<p>Đoạn {n} của bản {edition}.</p>" for n in range(1, edition + 1))
        body = orjson.dumps(
            {"title": f"Bản {edition}", "section": "thoi-su", "body_html": paragraphs}
        )
        while True:
            replica = self._dice.choice(self._ingests)
            headers = {
                "authorization": f"Bearer {self.token}",
                "content-type": "application/json",
            }
            try:
                answer = await self._client.request(
                    replica.port, "PUT", f"/articles/{article}", body, headers
                )
            except (NotSent, Unanswered):
                answer = None
            if answer and answer.status in (200, 201):
                self.edited[article] = Edited(orjson.loads(answer.body)["revision"], edition)
                return
            if answer and answer.status != 503:
                self.odd.append(
                    f"PUT at {replica.name}: {answer.status} {answer.body.decode()[:200]}"
                )
            await asyncio.sleep(AFTER_FAILURE)

    def start(self, articles: Sequence[str]) -> None:
        """Go on editing."""
        self._task = asyncio.create_task(self._edit(articles))

    def stop(self) -> None:
        """Begin no further edition."""
        self._stopping.set()

    async def finish(self) -> None:
        """Wait for the last edition to be accepted."""
        try:
            if self._task:
                await self._task
        finally:
            self._client.close()

    async def _edit(self, articles: Sequence[str]) -> None:
        while not self._stopping.is_set():
            await self.publish(self._dice.choice(articles))
            await asyncio.sleep(PAUSE)
