"""An article's page from memory, with its live count, beside a bare server that sends the same
bytes and beside nginx with the file; compressed and not; with one article and with many. And the
memory of ingest and render with many.
"""

from dataclasses import dataclass
from typing import Any

from tests.bench import machine
from tests.bench.archive import fill, published
from tests.bench.costs import PAGES_LUA
from tests.bench.figures import Figure, middle, number, spread
from tests.bench.nginx import Nginx
from tests.bench.putting import article
from tests.bench.rig import Rig
from tests.support.system import Process, until

NAME = "pages"
CONNECTIONS = 32
OF_BARE, OF_NGINX = 0.8, 0.4
"""Of the rates of the bare server and of nginx, at least."""
MANY, QUICK_MANY = 100_000, 5_000
CODINGS = {"as it is": "identity", "gzip": "gzip, deflate, br"}
ROUNDS = 3


@dataclass(frozen=True)
class Peers:
    """What pages are measured beside."""

    bare: Process
    nginx: Nginx


async def measure(rig: Rig) -> list[Figure]:
    """Pages a second of one render on one core by the rates of its peers, and memory."""
    await rig.reset()
    nginx = Nginx(rig.system.folder / "nginx")
    (bare,) = await rig.start("tests.bench.bare")
    with machine.pinned(rig.cores.server):
        nginx.start()
    try:
        peers, many = Peers(bare, nginx), QUICK_MANY if rig.quick else MANY
        figures = await _beside(rig, peers, 1)
        ingest, render = await rig.start("ingest", "render", cores=rig.cores.every)
        patterns = await published(rig)
        await rig.stop(ingest, render)
        await fill(rig, patterns, many)
        return figures + await _beside(rig, peers, many)
    finally:
        nginx.stop()
        await rig.stop(bare)


async def _beside(rig: Rig, peers: Peers, articles: int) -> list[Figure]:
    render, ingest = await rig.start("render", "ingest")
    started = [(process, machine.resident(process.pid)) for process in (ingest, render)]
    (await rig.system.put("page1", **article(1))).raise_for_status()

    async def there() -> bool:
        return await rig.system.page("page1") is not None

    await until(there, 30, "the page")
    page = await rig.system.page("page1")
    assert page is not None
    file = peers.nginx.put(page.content)
    figures = list[Figure]()
    for name, coding in CODINGS.items():
        figures += await _ratios(
            rig, render, page.url.path, peers, file, f"{name}, {articles:,} articles", coding
        )
    figures += [
        Figure(
            NAME, f"memory of {process.name.partition('-')[0]}, {articles:,} articles",
            machine.resident(process.pid), "MiB", note=f"{number(before)} MiB after its start",
        )
        for process, before in started
    ]  # fmt: skip
    await rig.stop(render, ingest)
    return figures


async def _ratios(
    rig: Rig, render: Process, page: str, peers: Peers, file: str, name: str, coding: str
) -> list[Figure]:
    sent = await _size(rig, render.url + page, coding)
    by_nginx = await _size(rig, peers.nginx.url + file, coding)
    seconds = 2 if rig.quick else 4
    rates = list[tuple[float, float, float]]()
    for _ in range(ROUNDS):
        rates.append(
            (
                await _rate(rig, render.url + page, coding, seconds),
                await _rate(rig, f"{peers.bare.url}/bytes/{sent}", coding, seconds),
                await _rate(rig, peers.nginx.url + file, coding, seconds),
            )
        )
    peer_rates = {
        "a bare server": (1, OF_BARE, f"{sent} bytes"),
        "nginx": (2, OF_NGINX, f"{by_nginx} bytes"),
    }
    return [
        _figure(
            f"an article's page to {peer}: {name}", [(e[0], e[place]) for e in rates], least, of
        )
        for peer, (place, least, of) in peer_rates.items()
    ]


def _figure(name: str, rates: list[tuple[float, float]], least: float, of: str) -> Figure:
    ratios = [one / other for one, other in rates]
    best = [max(each) for each in zip(*rates, strict=True)]
    note = f"{spread(ratios)}; at most {best[0]:.0f}/s to {best[1]:.0f}/s of {of}"
    return Figure(NAME, name, middle(ratios), "×", least, True, note)


async def _size(rig: Rig, address: str, coding: str) -> int:
    headers = {"accept-encoding": coding}
    async with rig.system.http.stream("GET", address, headers=headers) as answer:
        answer.raise_for_status()
        return len(b"".join([part async for part in answer.aiter_raw()]))


async def _rate(rig: Rig, address: str, coding: str, seconds: int) -> float:
    wrk = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(PAGES_LUA)]
    done: dict[str, Any] = await rig.run(
        *wrk, "-H", f"Accept-Encoding: {coding}", address, seconds=seconds + 30
    )
    if done["errors"] or done["statuses"]:
        raise RuntimeError(f"{address}: {done}")
    return float(done["requests"] / done["microseconds"] * 1e6)
