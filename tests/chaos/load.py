"""The load of a round: beacons sent once each, keyed batches repeated until acknowledged, and
people who look.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import orjson

from tests.chaos.client import Answer, Client, NotSent, Unanswered
from tests.chaos.fleet import Replica
from tests.support.system import BROWSER, READS_ONLY

BEACONS, BATCHERS = 20, 2
BATCH_READS = 40
BEACON_PAUSE, BATCH_PAUSE, LOOK_PAUSE = 0.02, 0.15, 0.05
AFTER_FAILURE = 0.1
READS = "/reads?referrer=https%3A%2F%2Fwww.google.com"
ACKNOWLEDGE_SECONDS = 60.0
"""For the batches still on their way at the end of the load, with all faults lifted."""

BATCH_HEADERS = {
    "content-type": "application/json",
    "user-agent": BROWSER,
}


@dataclass
class Tally:
    """What the clients know, by article."""

    acknowledged: Counter[str] = field(default_factory=Counter)
    unanswered: Counter[str] = field(default_factory=Counter)
    unsent: int = 0
    keyed: Counter[str] = field(default_factory=Counter)
    """Reads of acknowledged batches; `repeated` is how many requests for them had to be sent again.
    """
    repeated: int = 0
    batch_ids: dict[str, str] = field(default_factory=dict)
    """The batch that each acknowledged read was told to be in, and the replica that said so."""
    broken: Counter[str] = field(default_factory=Counter)
    """Requests of any kind that were sent and not answered, with what was seen of it."""
    odd: Counter[str] = field(default_factory=Counter)
    """Answers that nobody should get."""
    announced: Counter[str] = field(default_factory=Counter)
    """Refusals that say when to come again, with their reason."""

    @property
    def sent(self) -> int:
        """Single reads that a server may have seen."""
        return self.acknowledged.total() + self.unanswered.total()


class Load:
    """Sends until it is stopped. `dice` makes its choices; how many come out of them depends on the
    machine.
    """

    def __init__(
        self,
        ingests: Sequence[Replica],
        dice: random.Random,
        patience: float = 3.0,
        readers: int = BEACONS,
        token: str = READS_ONLY,
    ) -> None:
        """`patience` is how many seconds a client waits for an answer; `readers` send beacons;
        batches are sent with `token`.
        """
        self.tally, self.token = Tally(), token
        self._patience, self._readers = patience, readers
        self._ingests, self._dice = ingests, dice
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._there: set[str] = set()

    def start(
        self, beacons: Sequence[str], batched: Sequence[str], pages: Sequence[tuple[Replica, str]]
    ) -> None:
        """Read `beacons` one by one and `batched` in batches, and look at `pages`."""
        work = [
            self._each(BEACON_PAUSE, partial(self._beacon, beacons)) for _ in range(self._readers)
        ]
        batchers = BATCHERS if batched else 0
        work += [self._each(BATCH_PAUSE, partial(self._batch, batched)) for _ in range(batchers)]
        work += [
            self._each(LOOK_PAUSE, partial(self._look, replica, path)) for replica, path in pages
        ]
        self._tasks = [asyncio.create_task(one) for one in work]

    def stop(self) -> None:
        """Begin nothing more. `finish` waits for what is on its way."""
        self._stopping.set()

    async def finish(self) -> None:
        """Wait until every request has an outcome and every batch is acknowledged."""
        await asyncio.gather(*self._tasks)

    async def _each(self, pause: float, act: Callable[[Client], Awaitable[bool]]) -> None:
        client = Client(self._patience)
        try:
            while not self._stopping.is_set():
                fine = await act(client)
                await asyncio.sleep(pause if fine else AFTER_FAILURE)
        finally:
            client.close()

    async def _beacon(self, articles: Sequence[str], client: Client) -> bool:
        article, replica = self._dice.choice(articles), self._dice.choice(self._ingests)
        body, headers = b'{"article":"%s"}' % article.encode(), {"user-agent": BROWSER}
        try:
            answer = await client.request(replica.port, "POST", READS, body, headers)
        except NotSent:
            self.tally.unsent += 1
            return False
        except Unanswered as error:
            self.tally.unanswered[article] += 1
            self._note_broken("POST /reads", replica, error)
            return False
        if answer.status == 204 and answer.headers.get("luotdoc-read") == "counted":
            self.tally.acknowledged[article] += 1
            self.tally.batch_ids[answer.headers["x-correlation-id"]] = replica.name
            return True
        if answer.status >= 500:
            self.tally.unanswered[article] += 1
        self._judge("POST /reads", replica, answer)
        return False

    async def _batch(self, articles: Sequence[str], client: Client) -> bool:
        reads = [self._dice.choice(articles) for _ in range(BATCH_READS)]
        body = orjson.dumps({"reads": [{"article": article} for article in reads]})
        key, deadline = f"{self._dice.getrandbits(64):016x}", None
        while True:
            replica = self._dice.choice(self._ingests)
            headers = BATCH_HEADERS | {
                "authorization": f"Bearer {self.token}",
                "idempotency-key": key,
            }
            try:
                answer = await client.request(replica.port, "POST", "/reads/batch", body, headers)
            except (NotSent, Unanswered) as error:
                answer = None
                self._note_broken("POST /reads/batch", replica, error)
            if answer and answer.status == 200:
                self.tally.keyed.update(reads)
                if orjson.loads(answer.body) != {"accepted": len(reads), "unknown": []}:
                    self.tally.odd[
                        f"POST /reads/batch at {replica.name}: {answer.body.decode()[:200]}"
                    ] += 1
                return True
            if answer and answer.status != 200:
                self._judge("POST /reads/batch", replica, answer)
            self.tally.repeated += 1
            now = asyncio.get_running_loop().time()
            if self._stopping.is_set():
                deadline = deadline or now + ACKNOWLEDGE_SECONDS
                if now > deadline:
                    self.tally.odd["a batch that was never acknowledged"] += 1
                    return False
            await asyncio.sleep(AFTER_FAILURE)

    async def _look(self, replica: Replica, path: str, client: Client) -> bool:
        try:
            answer = await client.request(replica.port, "GET", path)
        except (NotSent, Unanswered) as error:
            self._note_broken(f"GET {path}", replica, error)
            return False
        if answer.status in (200, 301):
            self._there.add(path)
        elif answer.status != 404 or path in self._there:  # a page comes a moment after its article
            self._judge(f"GET {path}", replica, answer)
        return answer.status in (200, 301)

    def _note_broken(self, what: str, replica: Replica, error: Exception) -> None:
        if isinstance(error, Unanswered):
            self.tally.broken[f"{what} at {replica.name}: {error}"] += 1

    def _judge(self, what: str, replica: Replica, answer: Answer) -> None:
        """A 503 that says when to come again is announced; any other refusal of these requests is a
        fault.
        """
        told = answer.body.decode(errors="replace")[:200]
        expected = answer.status == 503 and "retry-after" in answer.headers
        noted = self.tally.announced if expected else self.tally.odd
        noted[f"{what} at {replica.name}: {answer.status} {told!r}"] += 1
