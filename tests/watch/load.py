"""Load for the dashboards: readers, crawlers, editors, apps and strangers, about as a portal has
them, so that each panel has something to show.
"""

import asyncio
import math
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping

import httpx

from deploy.local.console import Console
from deploy.local.plan import PORTS
from deploy.local.ports import HOST
from deploy.local.readers import addresses, pick_articles, referrers, user_agents
from deploy.local.samples import load_samples, read_samples
from tests.chaos.fleet import Replica
from tests.support.system import EDITOR, READS_ONLY
from tests.watch.stack import Stack

TICK = 0.1
READS, PAGES = 30.0, 20.0
"""Requests a second, on average; they come in waves."""
WAVE = 70.0
CRAWLER = "curl/8.11.0"
OFFICE = "192.0.2.10"
"""An address with more reads than READ_LIMIT allows."""
PATIENCE = 5.0


class Portal:
    """The load on a stack, from `start` to `stop`. `statuses` counts the answers by what was asked;
    0 stands for none. `paths` has the samples' pages by article.
    """

    def __init__(self, stack: Stack, seed: int) -> None:
        self.stack, self.statuses = stack, Counter[tuple[str, int]]()
        self._dice = random.Random(seed)
        self._agents = user_agents(3000, self._dice)
        self.paths: dict[str, str] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._sent: set[asyncio.Task[None]] = set()
        self._http = httpx.AsyncClient(timeout=PATIENCE, limits=httpx.Limits(max_connections=200))
        self._clock = 0.0

    async def begin(self) -> None:
        """Publish the samples, then start the load."""
        ingest = self.stack.replica("ingest-1").url
        async with httpx.AsyncClient(headers=EDITOR, timeout=30) as client:
            self.paths = await load_samples(client, ingest, read_samples(), Console())
        work: list[tuple[float, Callable[[], Awaitable[None]]]] = [
            (TICK, self._readers),
            (TICK, self._visitors),
            (0.4, self._office),
            (2.0, self._editor),
            (1.0, self._app),
            (0.5, self._looks),
            (3.0, self._strangers),
        ]
        self._tasks = [asyncio.create_task(self._each(*one)) for one in work]

    async def end(self) -> None:
        """Stop the load, and wait for what is on its way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*self._sent)
        await self._http.aclose()

    def failed(self) -> list[str]:
        """Loops that have ended by an error: then the load was not what this module says."""
        ended = [task for task in self._tasks if task.done() and not task.cancelled()]
        return [repr(task.exception()) for task in ended]

    async def _each(self, pause: float, act: Callable[[], Awaitable[None]]) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            await act()
            due = max(due + pause, loop.time() - 1)
            await asyncio.sleep(max(0.0, due - loop.time()))

    def _wave(self, rate: float) -> int:
        """How many requests this tick has."""
        self._clock += TICK / 2  # two loops call it
        exact = rate * TICK * (1 + 0.45 * math.sin(2 * math.pi * self._clock / WAVE))
        return int(exact + self._dice.random())

    def _ask(self, name: str, method: str, url: str, **given: object) -> None:
        """Send a request and don't wait for it; at most as many as a browser farm would."""
        if len(self._sent) < 400:
            task = asyncio.create_task(self._answered(name, method, url, given))
            self._sent.add(task)
            task.add_done_callback(self._sent.discard)

    async def _answered(
        self, name: str, method: str, url: str, given: Mapping[str, object]
    ) -> None:
        try:
            answer = await self._http.request(method, url, **given)  # type: ignore[arg-type]
            status = answer.status_code
        except httpx.TransportError:
            status = 0
        self.statuses[name, status] += 1

    def _ingest(self, address: str) -> str:
        """All reads of an address go to one ingest, as the gateway sends them."""
        ingests = self.stack.fleet.of("ingest")
        return ingests[sum(map(ord, address)) % len(ingests)].url

    async def _readers(self) -> None:
        """People who read, a few of them again; browsers that fetch ahead; pages of other sites;
        crawlers; articles that don't exist; nonsense.
        """
        number = self._wave(READS)
        articles = pick_articles(list(self.paths), number, self._dice)
        site = self._any("render").url
        for article, referrer, address in zip(
            articles,
            referrers(site, number, self._dice),
            addresses(number, self._dice),
            strict=True,
        ):
            pick = self._dice.random()
            headers = {"user-agent": self._dice.choice(self._agents), "x-forwarded-for": address}
            body = {"article": article}
            if pick < 0.06:
                headers["user-agent"] = CRAWLER
            elif pick < 0.09:
                headers["sec-purpose"] = "prefetch"
            elif pick < 0.12:
                headers["origin"] = "https://copy.example.net"
            elif pick < 0.2:
                again = f"198.51.100.{self._dice.randrange(9)}"
                headers |= {"user-agent": self._agents[0], "x-forwarded-for": again}
            elif pick < 0.22:
                body = {"article": "khongco"}
            elif pick < 0.24:
                body = {"article": "Không phải mã"}
            url = f"{self._ingest(headers['x-forwarded-for'])}/reads"
            came = {"referrer": referrer}
            self._ask("POST /reads", "POST", url, params=came, json=body, headers=headers)

    async def _office(self) -> None:
        """One address that reads without end."""
        headers = {"user-agent": self._dice.choice(self._agents), "x-forwarded-for": OFFICE}
        body = {"article": self._dice.choice(list(self.paths))}
        url = f"{self._ingest(OFFICE)}/reads"
        self._ask("POST /reads", "POST", url, json=body, headers=headers)

    async def _visitors(self) -> None:
        """People who look at pages: articles, lists, files, and what is not there."""
        sections = sorted({"muc-khac", *(path.split("/")[1] for path in self.paths.values())})
        for _ in range(self._wave(PAGES)):
            pick = self._dice.random()
            if pick < 0.6:
                path = self.paths[pick_articles(list(self.paths), 1, self._dice)[0]]
            elif pick < 0.75:
                path = "/"
            elif pick < 0.92:
                path = f"/{self._dice.choice(sections)}/"
            else:
                path = f"/thoi-su/x-{self._dice.randrange(10**6)}.html"
            render = self._dice.choice(self.stack.fleet.of("render"))
            self._ask("GET page", "GET", render.url + path)

    async def _editor(self) -> None:
        """An article is published, corrected and withdrawn in turn."""
        step, number = divmod(self._dice.randrange(30), 10)
        article = f"{self._any('ingest').url}/articles/tin{number}"
        if step == 0:
            self._ask("DELETE article", "DELETE", article, headers=EDITOR)
            return
        body = {
            "title": f"Tin nhanh {number}, bản {self._dice.randrange(1000)}",
            "section": self._dice.choice(["thoi-su", "kinh-te", "muc-khac"]),
            "body_html": "<p>Nội dung</p>",
        }
        self._ask("PUT article", "PUT", article, json=body, headers=EDITOR)

    async def _app(self) -> None:
        """An app sends its reads in batches; now and then a wrong one."""
        key = {"authorization": f"Bearer {READS_ONLY}", "idempotency-key": f"{self._dice.random()}"}
        reads = [{"article": self._dice.choice([*self.paths, "khongco"])} for _ in range(12)]
        body = {"reads": reads if self._dice.random() < 0.9 else []}
        url = f"{self._any('ingest').url}/reads/batch"
        self._ask("POST /reads/batch", "POST", url, json=body, headers=key)

    async def _looks(self) -> None:
        """Pages ask for the site's figures, people for statistics."""
        stats = self._any("stats").url
        for path in ("/stats/site", "/stats/top?window=24h", "/stats/series?step=hour"):
            self._ask("GET /stats", "GET", stats + path)

    async def _strangers(self) -> None:
        """A wrong token, a body that is no JSON, bytes that are no HTTP, a head that never ends."""
        ingest = self._any("ingest").url
        wrong = {"authorization": "Bearer wrong"}
        self._ask("PUT wrong token", "PUT", f"{ingest}/articles/a1", headers=wrong, json={})
        self._ask("PUT no JSON", "PUT", f"{ingest}/articles/a1", headers=EDITOR, content=b"{")
        for sent in (b"NONSENSE\r\n\r\n", b"GET / HTTP/1.1\r\nHost:"):
            task = asyncio.create_task(_raw(self._any(self._dice.choice(list(PORTS))).port, sent))
            self._sent.add(task)
            task.add_done_callback(self._sent.discard)

    def _any(self, service: str) -> Replica:
        return self._dice.choice(self.stack.fleet.of(service))


async def _raw(port: int, sent: bytes) -> None:
    """Send bytes, and wait until the service closes the connection; 15 s at most."""
    try:
        async with asyncio.timeout(15):
            reader, writer = await asyncio.open_connection(HOST, port)
            writer.write(sent)
            while await reader.read(4096):
                pass
            writer.close()
    except (OSError, TimeoutError):
        return
