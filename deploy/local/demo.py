"""The command `demo`, once the stack is up: load the samples, send reads, show the totals live."""

import asyncio
import random
import time
from typing import Any

import httpx

from deploy.local import samples
from deploy.local.console import Console
from deploy.local.readers import addresses, pick_articles, referrers, user_agents
from deploy.local.server import StartError
from deploy.local.stack import Stack

_READS = 600
_CONNECTIONS = 8
_PAGES_SECONDS = 30.0
_COUNTED_SECONDS = 30.0


async def fill_site(stack: Stack, console: Console) -> None:
    """Load the samples, wait for their pages, send reads, wait until they are counted, and print
    the URLs.
    """
    ingest, render, stats = stack.url("ingest"), stack.public("render"), stack.public("stats")
    headers = {"Authorization": f"Bearer {stack.token}"}
    try:
        async with httpx.AsyncClient(trust_env=False, headers=headers, timeout=10) as client:
            paths = await samples.load_samples(client, ingest, samples.read_samples(), console)
            with console.progress("pages served", len(paths)) as done:
                for path in paths.values():
                    await _page(client, render + path)
                    done()
            before = (await _site(client, stats))["counted"]
            counted = await _read(stack.public("ingest"), render, list(paths), console)
            await _counted(client, stats, before + counted)
            console.step("all of them are counted")
    except httpx.HTTPStatusError as error:
        answer = error.response
        raise StartError(
            f"{error.request.method} {error.request.url}: {answer.status_code} {answer.text}"
        ) from error
    except httpx.HTTPError as error:
        raise StartError(f"{error.request.method} {error.request.url}: {error!r}") from error
    console.say(f"""
  Front page    {render}/
  An article    {render}{next(iter(paths.values()))}
  Statistics    {stats}/stats/   (and {stats}/docs)
  API           {ingest}/docs
  Token         {stack.token}
  Events        {stack.amqp_place}   ({ingest}/events/ describes them)
                `make subscriber NAME=search` in another terminal makes a user
                and says how to see them

Ctrl-C stops everything; the data stays for the next time.
""")


async def show(stack: Stack, console: Console) -> None:
    """Show the totals live until cancelled. Raises StartError if a process ends."""
    async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
        with console.refreshing():
            while True:
                stack.check()
                console.refresh(await _totals(client, stack.url("stats")))
                await asyncio.sleep(1)


def totals_line(site: dict[str, Any], top: dict[str, Any]) -> str:
    """The line of live totals from the answers of /stats/site and /stats/top."""
    line = f"total {site['total']:,} · today {site['today']:,}"
    if top["items"]:
        line += f" · most read in 24 h: {top['items'][0]['title']} ({top['items'][0]['reads']:,})"
    return line


async def _totals(client: httpx.AsyncClient, stats: str) -> str:
    try:
        top = await client.get(f"{stats}/stats/top", params={"window": "24h", "limit": 1})
        return totals_line(await _site(client, stats), top.raise_for_status().json())
    except httpx.HTTPError as error:
        return f"stats does not answer: {error!r}"


async def _site(client: httpx.AsyncClient, stats: str) -> dict[str, Any]:
    answer: dict[str, Any] = (await client.get(f"{stats}/stats/site")).raise_for_status().json()
    return answer


async def _page(client: httpx.AsyncClient, url: str) -> None:
    """Wait until the page at `url` is served."""
    deadline = time.monotonic() + _PAGES_SECONDS
    while (answer := await client.get(url)).status_code != httpx.codes.OK:
        if time.monotonic() > deadline:
            raise StartError(
                f"{url} was not served after {_PAGES_SECONDS:g} s: {answer.status_code}"
            )
        await asyncio.sleep(0.1)


async def _read(url: str, site: str, ids: list[str], console: Console) -> int:
    """Send reads of the articles `ids` over several connections, as pages of `site` do. Returns the
    number that ingest answered as counted.

    The reads carry addresses of readers, which only a gateway believes.
    """
    chance = random.Random()
    articles = pick_articles(ids, _READS, chance)
    reads = zip(
        articles,
        referrers(site, _READS, chance),
        user_agents(_READS, chance),
        addresses(_READS, chance),
        strict=True,
    )
    counted = 0
    with console.progress("reads sent", _READS) as done:

        async def reader() -> None:
            nonlocal counted
            async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
                for article, referrer, agent, address in reads:
                    headers = {"User-Agent": agent, "X-Forwarded-For": address}
                    answer = await client.post(
                        f"{url}/reads",
                        params={"referrer": referrer},
                        json={"article": article},
                        headers=headers,
                    )
                    counted += answer.raise_for_status().headers["Luotdoc-Read"] == "counted"
                    done()

        await asyncio.gather(*(reader() for _ in range(_CONNECTIONS)))
    return counted


async def _counted(client: httpx.AsyncClient, stats: str, wanted: int) -> None:
    """Wait until the site's counted reads reach `wanted`."""
    deadline = time.monotonic() + _COUNTED_SECONDS
    while (counted := (await _site(client, stats))["counted"]) < wanted:
        if time.monotonic() > deadline:
            raise StartError(
                f"{counted} of {wanted} reads were counted after {_COUNTED_SECONDS:g} s"
            )
        await asyncio.sleep(0.2)
