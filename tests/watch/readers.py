"""A steady light load of readers."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import count

import httpx

from tests.support.system import BROWSER
from tests.watch.stack import Stack

PAUSE = 0.15


@asynccontextmanager
async def readers(
    stack: Stack, articles: Sequence[str], paths: Sequence[str]
) -> AsyncIterator[None]:
    """People who look at an article at each replica of render in turn, and read it."""
    numbers = count()
    sent: set[asyncio.Task[None]] = set()
    limits = httpx.Limits(max_connections=20, keepalive_expiry=60)
    client = httpx.AsyncClient(timeout=5, limits=limits)

    async def ask(method: str, url: str, **given: object) -> None:
        try:
            await client.request(method, url, **given)  # type: ignore[arg-type]
        except httpx.TransportError:
            return  # a replica that is stopped: the alerts say so

    def begin(method: str, url: str, **given: object) -> None:
        if len(sent) < 20:
            task = asyncio.create_task(ask(method, url, **given))
            sent.add(task)
            task.add_done_callback(sent.discard)

    ready: set[str] = set()

    async def look() -> None:
        """Requests go to ready replicas only, as a Service sends them."""
        while True:
            for name, replica in stack.fleet.replicas.items():
                try:
                    answer = await client.get(f"{replica.url}/readyz", timeout=1)
                    (ready.add if answer.status_code == 200 else ready.discard)(name)
                except httpx.TransportError:
                    ready.discard(name)
            await asyncio.sleep(PAUSE)

    async def read() -> None:
        while True:
            number = next(numbers)
            ingest, render = (f"{service}-{number % 2 + 1}" for service in ("ingest", "render"))
            address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
            headers = {"x-forwarded-for": address, "user-agent": BROWSER}
            body = {"article": articles[number % len(articles)]}
            if ingest in ready:
                begin("POST", f"{stack.replica(ingest).url}/reads", json=body, headers=headers)
            if render in ready:
                begin("GET", stack.replica(render).url + paths[number % len(paths)])
            await asyncio.sleep(PAUSE)

    tasks = [asyncio.create_task(read()), asyncio.create_task(look())]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, *sent, return_exceptions=True)
        await client.aclose()
