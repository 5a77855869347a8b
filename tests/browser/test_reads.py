"""Every outcome of a read from real page views: Chromium, the gateway of compose and Kubernetes,
two ingests.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import pytest
from playwright.async_api import Browser, Request

from deploy.local import ports
from deploy.local.gateway import Gateway
from tests.browser.outcomes import LACKS, Portal, check_every_outcome, view
from tests.support.system import System

PROXIES = "127.0.0.0/8"


@pytest.fixture
async def portal(system: System) -> AsyncIterator[Portal]:
    port = ports.choose_port()
    url = f"http://127.0.0.1:{port}"
    settings: dict[str, Any] = {
        "base_url": url,
        "read_origins": url,
        "trusted_proxies": PROXIES,
        "flush_interval": "0.1",
    }
    await system.start_all(ingest=2, **settings)
    backends = {
        service: [
            (process.name, process.url.removeprefix("http://"))
            for process in system.replicas(service)
        ]
        for service in ("ingest", "stats", "render")
    }
    gateway = Gateway(
        system.folder / "gateway", port, ports.choose_port(None, {port}), backends, PROXIES
    )
    await asyncio.to_thread(gateway.start, 20)
    yield Portal(system, url)
    await asyncio.to_thread(gateway.stop)


async def test_every_outcome_in_a_real_browser(portal: Portal, browser: Browser) -> None:
    assert await check_every_outcome(portal, browser) == {
        "counted": 11,
        "reload": 1,
        "origin": 3,
        "bot": 1,
    }


async def test_pages_say_where_their_readers_came_from(portal: Portal, browser: Browser) -> None:
    first, second = await portal.publish("a1"), await portal.publish("a2")
    sent: list[Request] = []

    def note(request: Request) -> None:
        sent.append(request)

    async with portal.reader(browser) as reader:
        reader.on("request", note)
        page = await view(reader, first)  # no page before
        await page.evaluate("address => { location.href = address; }", second)
        await portal.become(counted=2)
    async with portal.reader(browser) as reader:
        page = await reader.new_page()
        await page.goto(first, referer="https://l.facebook.com/l.php?u=secret")
        await portal.become(counted=3)
    async with portal.reader(browser, lacks=LACKS["sendBeacon"]) as reader:
        reader.on("request", note)
        page = await reader.new_page()
        await page.goto(first, referer="https://elsewhere.example/secret")
        await portal.become(counted=4)
    async with portal.reader(browser, javascript=False) as reader:
        await view(reader, first)
        await portal.become(counted=5)
    site, query = quote(portal.url, safe=""), "/reads?referrer="
    posts = [request for request in sent if request.method == "POST"]
    assert [(request.url.removeprefix(portal.url), request.post_data) for request in posts] == [
        (query, '{"article":"a1"}'),
        (query + site, '{"article":"a2"}'),
        (query + "https%3A%2F%2Felsewhere.example", '{"article":"a1"}'),
    ]
    found = Counter[tuple[str, str]]()
    async for bucket in portal.system.db.buckets.find():
        for name in ("referrer", "device"):
            for kind, quarters in bucket.get(name, {}).items():
                assert bucket["article"] == "*"
                found[name, kind] += sum(quarters.values())
    assert found == {
        ("referrer", "direct"): 1, ("referrer", "site"): 1, ("referrer", "social"): 1,
        ("referrer", "other"): 1, ("device", "desktop"): 5,
    }  # fmt: skip
