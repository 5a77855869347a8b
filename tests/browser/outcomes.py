"""Every outcome of a read, from real page views in Chromium behind a gateway."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import httpx
from playwright.async_api import Browser, BrowserContext, Page

from tests.browser.devtools import tab
from tests.support.system import until

AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/150.0.0.0 Safari/537.36"
)
LACKS = {
    "nothing": "",
    "sendBeacon": "delete Navigator.prototype.sendBeacon;",
    "sendBeacon and fetch": "delete Navigator.prototype.sendBeacon; delete window.fetch;",
    "currentScript": "Object.defineProperty(document, 'currentScript', {value: undefined});",
}


class Stack(Protocol):
    """The system behind a gateway: publishes articles, and says what the database holds."""

    @property
    def folder(self) -> Path:
        """A folder for a browser's profile."""

    @property
    def db(self) -> Any:
        """The database."""

    def put(self, article_id: str, **body: Any) -> Awaitable[httpx.Response]:
        """PUT an article."""

    def page(self, article_id: str) -> Awaitable[httpx.Response | None]:
        """Its page, or None while there is none."""

    def counted(self) -> Awaitable[int]:
        """Counted reads of the whole site."""

    def by_article(self) -> Awaitable[dict[str, int]]:
        """Counted reads by article."""


@dataclass
class Portal:
    """A portal behind its gateway, and what came of the reads so far."""

    system: Stack
    url: str
    readers: int = field(default=0)

    async def outcomes(self) -> dict[str, int]:
        """Counted reads, and filtered ones by reason."""
        told = {"counted": await self.system.counted()}
        async for books in self.system.db.books.find():
            for reason, number in books.get("filtered", {}).items():
                told[reason] = told.get(reason, 0) + number
        return {outcome: number for outcome, number in told.items() if number}

    async def become(self, **wanted: int) -> None:
        """Wait for these outcomes; what is more than them is found by the next look."""

        async def reached() -> bool:
            return sum((await self.outcomes()).values()) >= sum(wanted.values())

        await until(reached, 10, f"outcomes: {wanted}")
        assert await self.outcomes() == wanted

    async def publish(self, article: str) -> str:
        """The address of a new article's page."""
        await self.system.put(article, title=f"Bài {article}", lead="Đò sớm.")
        page = await until(lambda: self.system.page(article), 10, "the page")
        return f"{self.url}{page.url.path}"

    @contextlib.asynccontextmanager
    async def reader(
        self, browser: Browser, javascript: bool = True, lacks: str = ""
    ) -> AsyncIterator[BrowserContext]:
        """A browser of its own that nobody takes for a robot; what a page adds to itself may run in
        it.
        """
        self.readers += 1
        agent = f"{AGENT} {self.readers}"
        context = await browser.new_context(
            user_agent=agent, java_script_enabled=javascript, bypass_csp=True
        )
        await context.add_init_script(lacks)
        yield context
        assert await context.cookies() == []
        await context.close()


@contextlib.asynccontextmanager
async def site(html: str, policy: str = "") -> AsyncIterator[str]:
    """Another site, with one page under a content security policy."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            body = html.encode()
            head = (
                "HTTP/1.1 200 OK\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: "
                f"{len(body)}\r\nconnection: close"
            )
            if policy:
                head += f"\r\ncontent-security-policy: {policy}"
            writer.write(head.encode() + b"\r\n\r\n" + body)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://localhost:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()


async def check_every_outcome(portal: Portal, browser: Browser) -> dict[str, int]:
    """View pages in every way there is, and compare what is counted and filtered; the outcomes."""
    pages = [await portal.publish(f"a{number}") for number in range(4)]
    counted = 0
    for lacks in LACKS.values():
        async with portal.reader(browser, lacks=lacks) as reader:
            await view(reader, pages[0])
            counted += 1
            await portal.become(counted=counted)
    async with portal.reader(browser, javascript=False) as reader:
        await view(reader, pages[0])
        counted += 1
        await portal.become(counted=counted)

    async with portal.reader(browser) as reader:
        await once_a_prefetched_page_is_opened(portal, reader, pages, counted)
        counted += 2
    await once_a_prerendered_page_is_opened(portal, pages, counted)
    counted += 2
    async with portal.reader(browser) as reader:
        page = await view(reader, pages[0])
        counted += 1
        await portal.become(counted=counted)
        await page.reload()
        await portal.become(counted=counted, reload=1)
    async with portal.reader(browser) as reader:
        await of_another_site(portal, reader, pages, counted)
        counted += 1
    context = await browser.new_context()  # a headless browser says so in its user agent
    await view(context, pages[0])
    await portal.become(counted=counted, reload=1, origin=3, bot=1)
    assert await portal.system.by_article() == {"a0": 8, "a1": 1, "a2": 1, "a3": 1}
    return await portal.outcomes()


async def view(reader: BrowserContext, url: str) -> Page:
    page = await reader.new_page()
    await page.goto(url)
    return page


async def once_a_prefetched_page_is_opened(
    portal: Portal, reader: BrowserContext, pages: list[str], before: int
) -> None:
    page = await view(reader, pages[0])
    await portal.become(counted=before + 1)
    async with page.expect_request_finished(lambda request: request.url == pages[1]) as fetched:
        await add(
            page,
            "const link = document.createElement('link'); link.rel = 'prefetch'; "
            f"link.href = {pages[1]!r};",
        )
    request = await fetched.value
    assert (await request.all_headers())["sec-purpose"] == "prefetch"
    assert await portal.outcomes() == {"counted": before + 1}
    await page.goto(pages[1])
    await portal.become(counted=before + 2)


async def once_a_prerendered_page_is_opened(portal: Portal, pages: list[str], before: int) -> None:
    portal.readers += 1
    async with tab(portal.system.folder / "chromium", f"{AGENT} {portal.readers}") as page:
        await page.send("Page.navigate", url=pages[0])
        await portal.become(counted=before + 1)
        rules = json.dumps({"prerender": [{"urls": [pages[2]], "eagerness": "immediate"}]})
        await page.evaluate(
            "const rules = document.createElement('script'); rules.type = 'speculationrules';"
            f"rules.textContent = {rules!r}; document.head.append(rules);"
        )
        await page.event("Preload.prerenderStatusUpdated", status="Ready")
        assert await portal.outcomes() == {"counted": before + 1}
        await page.evaluate(f"location.href = {pages[2]!r}")
        page.follow()
        activated = "performance.getEntriesByType('navigation')[0].activationStart > 0"
        await until(lambda: page.evaluate(activated), 10, "the prerendered page is shown")
        await portal.become(counted=before + 2)


async def of_another_site(
    portal: Portal, reader: BrowserContext, pages: list[str], before: int
) -> None:
    """A page of another site sends reads by each way there is; then the reader follows its link to
    us.
    """
    read, gif = f"{portal.url}/reads", f"{portal.url}/reads.gif?article=a3"
    script = f"""
        const read = JSON.stringify({{article: "a3"}});
        navigator.sendBeacon({read!r}, read);
        fetch({read!r}, {{method: "POST", mode: "no-cors", body: read}});
    """
    html = (
        f"<!doctype html><title>x</title><a href={pages[3]!r}>bài</a><img "
        f"src={gif!r}><script>{script}</script>"
    )
    async with site(html) as url:
        page = await view(reader, url)
        await portal.become(counted=before, reload=1, origin=3)
        await page.click("a")
        await page.wait_for_url(pages[3])
        await portal.become(counted=before + 1, reload=1, origin=3)


async def add(page: Page, element: str) -> None:
    """Add an element, which `element` makes as `link`, to the head."""
    await page.evaluate(f"() => {{ {element} document.head.append(link); }}")
