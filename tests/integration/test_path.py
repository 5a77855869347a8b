"""The whole path: an article goes in, a page comes out, reads are counted exactly."""

import asyncio
import random
from collections import Counter
from datetime import UTC, datetime
from itertools import cycle
from typing import Any

import pytest
from lxml import html as markup

from shared.storage.counts import reads_by_article, totals
from tests.chaos.client import Client
from tests.support.system import BROWSER, System, until

ARTICLES, READS, CONNECTIONS = 200, 4_000, 16


async def test_every_field_of_an_article_is_on_its_page(system: System) -> None:
    await system.start_all()
    answer = await system.put(
        "ls77",
        title="Đường hoa ven sông Lam mở cửa từ sáng mùng Một",
        section="van-hoa",
        lead="Hơn hai cây số hoa nối phường Yên Lam với bến đò cũ.",
        body_html="<p>Từ sáng sớm, <strong>người dân</strong> đã đến.</p><h2>Giờ mở cửa</h2>"
        "<table><caption>Lịch</caption><tr><th>Ngày</th></tr><tr><td>Mùng Một</td></tr></table>"
        '<figure><img src="/media/hoa.webp" alt="Luống cúc"><figcaption>Luống cúc đầu '
        "đường</figcaption></figure>",
        byline="Lê Thu Hà",
        tags=["Tết", "du xuân"],
        image={
            "url": "/media/bia.webp",
            "alt": "Đường hoa",
            "caption": "Đường hoa lúc bình minh",
            "credit": "Văn Nam",
        },
        published_at="2026-01-31T23:30:00Z",
        reads_baseline=1234567,
    )
    assert answer.status_code == 201
    told = answer.json()
    assert told["revision"] == 1
    assert told["slug"] == "duong-hoa-ven-song-lam-mo-cua-tu-sang-mung-mot"
    assert answer.headers["etag"] == '"1"'
    assert answer.headers["location"] == "/articles/ls77"

    served = await until(lambda: system.page("ls77"), 2, "the page is served")
    page: Any = markup.document_fromstring(served.text)
    [article] = page.xpath("//main//article | //main")[:1]
    text = " ".join(article.text_content().split())
    assert [h.text_content().strip() for h in page.xpath("//main//h1")] == [
        "Đường hoa ven sông Lam mở cửa từ sáng mùng Một"
    ]
    for shown in (
        "Hơn hai cây số hoa nối phường Yên Lam với bến đò cũ.",
        "Từ sáng sớm, người dân đã đến.",
        "Giờ mở cửa",
        "Mùng Một",
        "Luống cúc đầu đường",
        "Lê Thu Hà",
        "Tết",
        "du xuân",
        "Đường hoa lúc bình minh",
        "Văn Nam",
        "01/02/2026 06:30",  # Asia/Ho_Chi_Minh
        "Văn hóa",
    ):
        assert shown in text, shown
    assert [e.text_content().strip() for e in page.xpath("//*[@data-reads]")] == ["1.234.567"]
    assert page.xpath("//main//img[@src='http://127.0.0.1:8000/media/hoa.webp']/@alt") == [
        "Luống cúc"
    ]
    assert page.xpath("//main//img[@src='http://127.0.0.1:8000/media/bia.webp']/@alt") == [
        "Đường hoa"
    ]
    assert page.xpath("//script/@data-article") == ["ls77"]
    assert "/reads.gif?article=ls77" in served.text  # for readers without JavaScript


@pytest.mark.parametrize("replicas", [1, 2])
async def test_reads_are_counted_exactly(system: System, replicas: int) -> None:
    """4,000 reads over 200 articles: the statistics show exactly the number of 204s, within 3 s of
    the last.
    """
    await system.start_all(ingest=replicas, counter=replicas, read_window=0, bot_filter="off")
    ids = [f"a{number:03d}" for number in range(ARTICLES)]
    for answer in await asyncio.gather(*(system.put(one) for one in ids)):
        assert answer.status_code == 201
    chance = random.Random(20261123)
    wanted = iter([chance.choice(ids) for _ in range(READS)])
    acknowledged: Counter[str] = Counter()
    ingests = cycle(int(process.url.rpartition(":")[2]) for process in system.replicas("ingest"))

    async def reader(port: int) -> None:
        client = Client(seconds=20)
        for article in wanted:
            body, agent = f'{{"article":"{article}"}}'.encode(), {"user-agent": BROWSER}
            answer = await client.request(port, "POST", "/reads", body, agent)
            assert answer.status == 204, answer.body
            assert answer.headers["luotdoc-read"] == "counted"
            acknowledged[article] += 1
        client.close()

    await asyncio.gather(*(reader(next(ingests)) for _ in range(CONNECTIONS)))
    assert acknowledged.total() == READS
    last = asyncio.get_running_loop().time()

    async def complete() -> bool:
        return bool((await system.site())["counted"] >= READS)

    await until(complete, 3, "all reads are counted")
    seconds = asyncio.get_running_loop().time() - last
    print(
        f"{READS} reads, {replicas} ingest(s), {replicas} counter(s): complete "
        f"{seconds:.2f} s after the last 204"
    )
    site = await system.site()
    assert (site["counted"], site["total"], site["today"] + site["yesterday"]) == (
        READS,
        READS,
        READS,
    )
    held = totals([each async for each in system.db.counts.aggregate(reads_by_article())])
    assert {one: each.reads for one, each in held.items()} == {**acknowledged, "*": READS}
    stats = system.url("stats")
    some = chance.sample(ids, 20)  # more would wait for the budget of such questions
    shown = {
        one: (await system.http.get(f"{stats}/stats/articles/{one}")).json()["reads"]
        for one in some
    }
    assert shown == {one: acknowledged[one] for one in some}
    best = sorted(acknowledged.items(), key=lambda item: (-item[1], item[0]))[:3]

    async def on_top() -> bool:
        asked = await system.http.get(f"{stats}/stats/top", params={"window": "24h", "limit": 3})
        return [(item["article"], item["reads"]) for item in asked.json()["items"]] == best

    await until(on_top, 5, "the top list shows the counts")
    now = datetime.now(UTC)
    assert datetime.fromisoformat(site["complete_through"]) <= now

    async def on_page() -> bool:
        page = await system.page(best[0][0])
        return page is not None and f"data-reads>{best[0][1]}<" in page.text

    await until(on_page, 5, "the page shows the count")
    books = (await system.http.get(f"{stats}/stats/reconciliation")).json()
    assert (books["counted"], books["balance"], books["parked"]) == (READS, 0, 0)
