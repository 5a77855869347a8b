"""An upgrade of docker-compose.yml by the lines of docs/operations.md, while readers read.

A read that was answered 204 must be counted, once. A 5xx must be announced: 503 with `Retry-After`.
"""

import asyncio
import itertools
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.containers.compose import URL, Compose
from tests.support.guide import every_block
from tests.support.system import until

READERS = 4
PAUSE = 0.05
"""Seconds between two requests of a reader; 4 readers make about 60 requests a second."""
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:{0}.0) Gecko/20100101 Firefox/{0}.0"
SERVICES = ("counter", "counter-2", "ingest", "ingest-2", "stats", "render")


@dataclass
class Readers:
    """Readers behind one address, who read pages and look at statistics."""

    article: str
    page: str
    counted: int = 0
    announced: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    requests: int = 0
    _visitors: Iterator[int] = field(default_factory=lambda: itertools.count(100))

    async def read(self, stop: asyncio.Event) -> None:
        """One reader, until `stop`: a page, a read by a new visitor, the site's figures."""
        async with httpx.AsyncClient(base_url=URL, timeout=30, trust_env=False) as client:
            while not stop.is_set():
                agent = {"user-agent": AGENT.format(next(self._visitors))}
                read = client.build_request(
                    "POST", "/reads", json={"article": self.article}, headers=agent
                )
                for request in (
                    client.build_request("GET", self.page, headers=agent),
                    read,
                    client.build_request("GET", "/stats/site"),
                ):
                    await self._send(client, request)
                    await asyncio.sleep(PAUSE)

    async def _send(self, client: httpx.AsyncClient, request: httpx.Request) -> None:
        self.requests += 1
        what = f"{request.method} {request.url.path}"
        try:
            answer = await client.send(request)
        except httpx.TransportError as error:
            self.wrong.append(f"{what}: {error!r}")
            return
        if (
            answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
            and "retry-after" in answer.headers
        ):
            self.announced[what] += 1
        elif answer.status_code not in (httpx.codes.OK, httpx.codes.NO_CONTENT):
            self.wrong.append(f"{what}: {answer.status_code} {answer.text[:200]}")
        else:
            self.counted += answer.headers.get("luotdoc-read") == "counted"


def change_version(clone: Path, version: str) -> None:
    """Make the code in `clone` another release."""
    path = clone / "luotdoc_events/version.py"
    text = path.read_text()
    before, _, rest = text.partition('VERSION = "')
    path.write_text(f'{before}VERSION = "{version}"{rest.partition(chr(34))[2]}')


def lines_of_the_guide() -> str:
    """The commands of docs/operations.md that upgrade the compose file's services."""
    (found,) = [
        each.text for each in every_block("docs/operations.md") if "run --rm --no-deps" in each.text
    ]
    return found


def run_lines(compose: Compose) -> None:
    """Run the guide's lines with the compose program of `compose`."""
    program = f'docker() {{ shift; "{compose.program}" --progress=plain "$@"; }}\n'
    done = subprocess.run(
        ["bash", "-euc", program + lines_of_the_guide()],
        cwd=compose.clone,
        env=compose.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"the upgrade failed: {done.stdout[-3000:]}{done.stderr[-6000:]}")


async def versions(compose: Compose) -> dict[str, str]:
    """The version that the container of each service runs."""
    line = ["exec", "-T"]
    told = await asyncio.gather(
        *(
            asyncio.to_thread(
                compose.run, *line, service, "python", "-c",
                "from luotdoc_events.version import VERSION; print(VERSION)",
            )
            for service in SERVICES
        )
    )  # fmt: skip
    return dict(zip(SERVICES, (text.strip() for text in told), strict=True))


async def upgrade(compose: Compose, version: str) -> str:
    """Upgrade to a release with `version` under load; one line of figures. Raises what is wrong."""
    change_version(compose.clone, version)
    article = f"upgrade{version.replace('.', '')}"
    await compose.put(article)
    page = await until(lambda: compose.page(article), 30, "the page is served")
    before = await compose.counted()
    readers, stop = Readers(article, page.url.path), asyncio.Event()
    running = [asyncio.create_task(readers.read(stop)) for _ in range(READERS)]
    began = time.monotonic()
    try:
        await asyncio.to_thread(run_lines, compose)
    finally:
        stop.set()
        await asyncio.gather(*running)
    took = time.monotonic() - began
    assert not readers.wrong, readers.wrong[:10]
    found = await versions(compose)
    assert set(found.values()) == {version}, found

    async def all_counted() -> bool:
        return await compose.counted() - before >= readers.counted

    await until(all_counted, 30, "each read that was answered 204 is counted")
    counted = await compose.counted() - before
    assert counted == readers.counted, f"{counted} were counted, {readers.counted} answered 204"
    announced = sum(readers.announced.values())
    return (
        f"upgrade to {version} in {took:.0f} s: {readers.requests} requests, "
        f"{readers.counted} reads answered 204 and {counted} counted, "
        f"{announced} times 503 with Retry-After {dict(readers.announced)}, no other 5xx"
    )
