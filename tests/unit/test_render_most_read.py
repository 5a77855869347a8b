"""The most read and the trending articles, by ASGI without a socket and over a store in memory."""

from dataclasses import replace

import pytest

from services.render.kinds.ranked import trending_items
from tests.support.page_store import page, withdrawn
from tests.unit.test_render_answers import Answer, Site, texts, titles


@pytest.fixture
async def read() -> Site:
    """Articles a to e, of which stats has stored lists: b is the most read, d is withdrawn since,
    and x was never rendered here.
    """
    one = Site()
    for name in "abcde":
        await one.store.put(page(name))
    await one.store.put(withdrawn("d", 2))
    one.store.show(
        {
            "top:24h": {"items": [["b", 1500], ["d", 9], ["x", 8], ["a", 7], ["c", 7]]},
            "top:7d": {"items": []},
            "top:all": {"items": [["e", 5]]},
            "trending": {"items": [["c", 3], ["d", 2], ["a", 1]]},
        }
    )
    await one.totals.load()
    return one


async def asked(site: Site, query: bytes = b"") -> Answer:
    return await site.ask("/doc-nhieu/", query=query)


async def test_the_most_read_articles_are_in_the_order_of_stats(read: Site) -> None:
    answer = await asked(read)
    assert (answer.status, titles(answer)) == (200, ["Tin b", "Tin a", "Tin c"])
    assert texts(answer, "//main//span[@class='reads']") == [
        "1.500 lượt đọc",
        "7 lượt đọc",
        "7 lượt đọc",
    ]
    assert texts(answer, "//h1") == ["Đọc nhiều"]
    assert read.answered("list", "", 200) == 1
    assert titles(await asked(read, b"trong=24h")) == titles(answer)
    assert titles(await asked(read, b"trong=all")) == ["Tin e"]


async def test_a_window_has_an_address_and_says_which_it_is(read: Site) -> None:
    answer = await asked(read, b"trong=all")
    html = answer.body.decode()
    assert 'rel="canonical" href="http://127.0.0.1:8000/doc-nhieu/?trong=all"' in html
    assert texts(answer, "//main//a[@aria-current='page']") == ["Từ trước đến nay"]
    assert texts(answer, "//nav[@aria-label='Khoảng thời gian']//a") == [
        "24 giờ qua",
        "7 ngày qua",
        "30 ngày qua",
        "Từ trước đến nay",
    ]
    for link in ("/doc-nhieu/", "/doc-nhieu/?trong=7d", "/doc-nhieu/?trong=30d"):
        assert f'<li><a href="{link}">' in html
        path, _, query = link.partition("?")
        assert (await read.ask(path, query=query.encode())).status == 200


@pytest.mark.parametrize("query", [b"trong=1h", b"trong=", b"trong=24h&trong=7d", b"trong=24H"])
async def test_an_unknown_window_is_not_there(read: Site, query: bytes) -> None:
    assert (await asked(read, query)).status == 404


async def test_what_is_not_known_is_not_an_empty_list(read: Site) -> None:
    empty, unknown = await asked(read, b"trong=7d"), await asked(read, b"trong=30d")
    assert (empty.status, titles(empty)) == (200, [])
    assert "Chưa có bài viết nào được đọc" in empty.body.decode()
    assert (unknown.status, titles(unknown)) == (200, [])
    assert "chưa có số liệu" in unknown.body.decode()


async def test_the_list_without_its_slash_leads_to_it_with_its_query(read: Site) -> None:
    answer = await read.ask("/doc-nhieu", query=b"trong=7d")
    assert (answer.status, answer.headers[b"location"]) == (301, b"/doc-nhieu/?trong=7d")


async def test_a_list_asks_once_and_is_stale_while_mongodb_is_away(read: Site) -> None:
    fresh = await asked(read)
    queries = len(read.store.queries("listing"))
    assert (await asked(read)).body == fresh.body
    assert len(read.store.queries("listing")) == queries
    read.store.away = True
    read.time += 2
    stale = await asked(read)
    assert (stale.status, titles(stale)) == (200, titles(fresh))
    assert stale.headers[b"warning"].startswith(b"110")


async def test_an_article_that_is_withdrawn_leaves_the_list(read: Site) -> None:
    assert "Tin b" in titles(await asked(read))
    await read.store.put(withdrawn("b", 2))
    read.time += 2
    assert titles(await asked(read)) == ["Tin a", "Tin c"]


async def test_a_list_has_50_articles_at_most(read: Site) -> None:
    names = [f"n{number:02}" for number in range(70)]
    for name in names:
        await read.store.put(page(name))
    read.store.show({"top:24h": {"items": [[name, 100] for name in names]}})
    await read.totals.load_site()
    assert titles(await asked(read)) == [f"Tin {name}" for name in names[:50]]


async def test_trending_articles_are_items_for_blocks(read: Site) -> None:
    found = await trending_items(read.parts, "vi", 5)
    assert found is not None
    items, stale = found
    assert ([(item["title"], item["window_reads"]) for item in items], stale) == (
        [("Tin c", "3"), ("Tin a", "1")],
        False,
    )
    few = await trending_items(read.parts, "vi", 1)
    assert few is not None
    assert [item["id"] for item in few[0]] == ["c"]
    assert await trending_items(Site().parts, "vi", 5) is None


async def test_items_have_the_reads_that_every_list_shows(read: Site) -> None:
    """And beside them those of the window."""
    await read.store.put(replace(page("c", 2), baseline=1000))
    read.store.counts = {"c": 234}
    await read.totals.load()
    found = await trending_items(read.parts, "vi", 1)
    assert found is not None
    assert (found[0][0]["reads"], found[0][0]["window_reads"]) == ("1.234", "3")
