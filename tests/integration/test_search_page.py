"""Search from end to end: what editors publish is found, what they withdraw is not."""

import asyncio
import re
from urllib.parse import quote

from tests.support.system import EDITOR, System, until

BODY = "<p>Đoàn khảo sát đi qua <b>Mường Lói</b>, nơi có hang Nậm Cắn.</p>"


async def found(system: System, question: str, more: str = "") -> list[str]:
    """The ids of the results, in their order."""
    url = f"{system.url('render')}/tim-kiem/?q={quote(question)}{more}"
    answer = await system.http.get(url)
    assert answer.status_code == 200
    return re.findall(r'<h2><a href="/[^"]*?(\w+)\.html">', answer.text)


async def become_found(system: System, question: str, ids: list[str]) -> None:
    """Each attempt asks in other words, because answers are kept for ten seconds."""
    last, number = list[str](), 0

    async def is_so() -> bool:
        nonlocal last, number
        number += 1
        last = await found(system, question, f"&den=2027-01-{number % 28 + 1:02}")
        return last == ids

    await until(is_so, 30, lambda: f"{question}: {ids}, not {last}")


async def test_an_article_is_found_from_its_publication_to_its_withdrawal(system: System) -> None:
    await system.start_all()
    (await system.put("s1", title="Hang động mới", body_html=BODY)).raise_for_status()
    (await system.put("s2", title="Nậm Cắn vào mùa", body_html="<p>Tin</p>")).raise_for_status()
    await become_found(system, "nam can", ["s2", "s1"])
    assert await found(system, "Nậm Cắn") == ["s2", "s1"]
    assert await found(system, '"mường lói"') == ["s1"]
    page = (await system.http.get(f"{system.url('render')}/tim-kiem/?q=muong+loi")).text
    assert "đi qua <mark>Mường Lói</mark>, nơi có hang" in page
    suggested = await system.http.get(f"{system.url('render')}/goi-y/?q={quote('hang đ')}")
    assert [each["text"] for each in suggested.json()] == ["Hang động mới"]

    (await system.put("s1", title="Hang động cũ", body_html="<p>Tin</p>")).raise_for_status()
    await become_found(system, "muong loi", [])
    await become_found(system, "hang động cũ", ["s1"])
    assert await system.db.search.count_documents({}) == 2

    kept = await found(system, "nam can")
    assert "s2" in kept  # from memory
    gone = await system.http.delete(f"{system.url('ingest')}/articles/s2", headers=EDITOR)
    assert gone.status_code == 204
    for _ in range(200):  # a withdrawn article leaves results that are still in memory
        if "s2" not in await found(system, "nam can"):
            break
        await asyncio.sleep(0.02)
    assert "s2" not in await found(system, "nam can")

    async def is_empty() -> bool:
        entry = await system.db.search.find_one({"_id": "s2"})
        return entry is not None and "keys" not in entry and entry["revision"] == 2

    await until(is_empty, 15, "the withdrawn article's entry is empty")
