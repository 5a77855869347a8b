"""Every outcome of a read from real page views: Chromium, the gateway of compose and Kubernetes,
two ingests.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Browser

from deploy.local import ports
from deploy.local.gateway import Gateway
from tests.browser.outcomes import Portal, check_every_outcome
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
