"""`GET /state`: pages of the articles that a service holds."""

import httpx
import pytest

from shared.base.errors import Problem
from shared.web.state import listing
from shared.web.state_listing import Held, read_listing

HELD = [Held("a1", 3, "published"), Held("b2", 1, "withdrawn")]


async def asked(query: str, method: str = "GET") -> tuple[list[tuple[str, int]], httpx.Response]:
    """The pages that are read for one request, and its answer."""
    pages: list[tuple[str, int]] = []

    async def page(after: str, limit: int) -> list[Held]:
        pages.append((after, limit))
        return HELD

    transport = httpx.ASGITransport(listing(page))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        return pages, await client.request(method, f"/state{query}")


async def test_a_page_is_a_line_for_each_article() -> None:
    _, answer = await asked("")
    assert answer.text == (
        '{"id":"a1","revision":3,"state":"published"}\n'
        '{"id":"b2","revision":1,"state":"withdrawn"}\n'
    )
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert read_listing(answer.content) == HELD


@pytest.mark.parametrize(
    ("query", "page"),
    [
        ("", ("", 1000)),
        ("?after=&limit=1000", ("", 1000)),
        ("?after=a1", ("a1", 1000)),
        ("?limit=1&after=a1", ("a1", 1)),
    ],
)
async def test_the_page_that_is_asked_for(query: str, page: tuple[str, int]) -> None:
    assert (await asked(query))[0] == [page]


@pytest.mark.parametrize(
    ("query", "paths"),
    [
        ("?limit=0", ["limit"]),
        ("?limit=1001", ["limit"]),
        ("?limit=99999", ["limit"]),
        ("?limit=-1", ["limit"]),
        ("?limit=x&after=A", ["after", "limit"]),
    ],
)
async def test_a_page_that_cannot_be_is_refused_with_the_parameter(
    query: str, paths: list[str]
) -> None:
    with pytest.raises(Problem) as refused:
        await asked(query)
    assert refused.value.status == 422
    assert [error["path"] for error in refused.value.errors] == paths


async def test_the_listing_is_only_read() -> None:
    with pytest.raises(Problem, match="only GET and HEAD"):
        await asked("", "POST")
