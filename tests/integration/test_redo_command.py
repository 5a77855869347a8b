"""An operator renders all pages again with the present templates."""

import asyncio
import time

from tests.support.system import ROOT, System

PAGES = 300
SITE = str(ROOT / "deploy/local/samples/site/site.toml")
"""With a map: in each process its areas have another order."""


async def test_an_operator_renders_all_pages_again(system: System) -> None:
    await system.start("ingest")
    render = await system.start("render", site=SITE)
    answer = await system.put("a0", body_html="<p>Một đoạn của bài báo.</p>" * 60)
    assert answer.status_code < 300
    async with asyncio.timeout(20):
        while (held := await system.db.pages.find_one({"_id": "a0"})) is None:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    await render.stop()
    copies = []
    for n in range(PAGES):
        name = f"b{n}"
        article = held["article"] | {"id": name}
        copies.append(held | {"_id": name, "template": "old", "parts": [], "article": article})
    await system.db.pages.insert_many(copies)
    await system.db.pages.update_one({"_id": "a0"}, {"$set": {"template": "old", "parts": []}})
    began = time.monotonic()
    first = await system.command("services.render", "redo", site=SITE)
    took = time.monotonic() - began
    assert (first.returncode, first.stdout) == (0, f"{PAGES + 1} pages were rendered again\n")
    again = await system.command("services.render", "redo", site=SITE)
    assert (again.returncode, again.stdout) == (0, "0 pages were rendered again\n")
    done = {"template": held["template"], "untold": {"$exists": False}}
    assert await system.db.pages.count_documents(done) == PAGES + 1
    assert await system.db.pages.find_one({"_id": "a0"}) == held  # byte for byte as published
    await system.db.pages.insert_one(copies[0] | {"_id": "broken", "article": {}})
    failed = await system.command("services.render", "redo", site=SITE)
    assert failed.returncode == 1
    assert "republish broken" in failed.stderr
    print(f"\n{PAGES} pages were rendered again by the command in {took:.1f} s")
