"""An article's page from memory, with its live count, beside a bare server that sends the same
bytes; compressed and not.
"""

from typing import Any

from tests.bench.costs import PAGES_LUA
from tests.bench.figures import Figure
from tests.bench.rig import Rig
from tests.support.system import Process, until

NAME = "pages"
CONNECTIONS = 32
LEAST = 0.8
"""Of the bare server's rate."""
PARAGRAPHS = 120
GZIP = "gzip, deflate, br"


async def measure(rig: Rig) -> list[Figure]:
    """Pages a second of one render on one core, and the ratio to the bare server."""
    await rig.reset()
    render, ingest, bare = await rig.start("render", "ingest", "tests.bench.bare")
    body = "".join(
        f"<p>Đoạn thứ {n} kể chuyện một cây cầu qua sông {n * n % 97}.</p>"
        for n in range(PARAGRAPHS)
    )
    (await rig.system.put("page1", body_html=body)).raise_for_status()
    address = f"{render.url}/x/page1.html"

    async def there() -> bool:
        answer = await rig.system.http.get(address, follow_redirects=True)
        return answer.status_code == 200

    await until(there, 30, "the page")
    page = (await rig.system.http.get(address, follow_redirects=True)).url.path
    figures = list[Figure]()
    for name, coding in (("as it is", "identity"), ("gzip", GZIP)):
        headers = {"accept-encoding": coding}
        async with rig.system.http.stream("GET", render.url + page, headers=headers) as answer:
            sent = len(b"".join([part async for part in answer.aiter_raw()]))
        seconds = 2 if rig.quick else 6
        rates = list[tuple[float, float]]()
        for _ in range(3):
            of_render = await _rate(rig, render, page, coding, seconds)
            rates.append((of_render, await _rate(rig, bare, f"/bytes/{sent}", coding, seconds)))
        ratio = sorted(one / other for one, other in rates)[1]
        note = f"{sent} bytes, {CONNECTIONS} connections, render {max(r for r, _ in rates):.0f}/s"
        figures.append(
            Figure(
                NAME, f"an article's page, {name}, to a bare server", ratio, "x", LEAST, True, note
            )
        )
    await rig.stop(render, ingest, bare)
    return figures


async def _rate(rig: Rig, process: Process, path: str, coding: str, seconds: int) -> float:
    lua = str(PAGES_LUA)
    wrk = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", lua]
    done: dict[str, Any] = await rig.run(
        *wrk, "-H", f"Accept-Encoding: {coding}", process.url + path, seconds=seconds + 30
    )
    if done["errors"] or done["statuses"]:
        raise RuntimeError(f"{path}: {done}")
    return float(done["requests"] / done["microseconds"] * 1e6)
