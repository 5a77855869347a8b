"""The search page and suggestions, without an index."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from luotdoc_subscriber.base.metrics import new_registry
from services.render.kinds.search import PER_PART, cursor_at, rank_at
from services.render.kinds.search_routes import search_routes
from services.render.kinds.table import make_routes
from services.render.metrics import RenderMetrics
from services.render.search.questions import Question
from services.render.search.ranking import Rank
from services.render.search.searching import Results, Searcher
from services.render.serving.answers import Answers
from services.render.serving.database import ReaderQueries
from services.render.serving.fragments import Fragments
from services.render.serving.server import PageServer
from shared.base.errors import Unavailable
from tests.support.page_store import page, withdrawn
from tests.unit.test_render_answers import RENDERER, Site


class FixedSearcher(Searcher):
    """Finds the same articles whatever is asked, and notes the questions."""

    def __init__(self, ids: list[str], *, every: bool = True, busy: bool = False) -> None:
        self.ids, self.every, self.busy = ids, every, busy
        self.asked: list[Any] = []

    async def search(self, question: Question) -> Results:
        """All of them."""
        self.asked.append(question)
        if self.busy:
            raise Unavailable("too many")
        ranks = [Rank(0, 0, 1, 0, 0, number, name) for number, name in enumerate(self.ids)]
        return Results(ranks, self.every)

    async def suggested(self, text: str, language: str) -> list[str]:
        """All of them."""
        self.asked.append((text, language))
        return self.ids


async def searching_site(searcher: Searcher, *names: str) -> Site:
    """A site with these articles."""
    site = Site()
    for name in names:
        article = {"lead": f"Lời dẫn {name}", "body_html": "<p>Mưa</p>", "tags": ["Mưa lũ"]}
        await site.store.put(replace(page(name), article=article))
    await site.totals.load()
    queries = ReaderQueries(lambda: site.time)
    queries.note_answer()

    def fragments(**more: Any) -> Fragments[Any]:
        return Fragments(queries=queries, seconds=lambda: site.time, stale_seconds=300.0, **more)

    measured = RenderMetrics(new_registry(), ["thoi-su"])
    routes = search_routes(site.parts, searcher, fragments)
    site.server = PageServer(
        routes=make_routes(site.parts, fragments(), fragments(), routes),
        errors=site.parts.errors,
        answers=Answers(RENDERER.content_security_policy, measured),
        metrics=measured,
    )
    return site


def titles(body: bytes) -> list[str]:
    return re.findall(r'<h2><a href="[^"]*">(.*?)</a>', body.decode())


async def test_the_page_without_a_question_is_a_form() -> None:
    searcher = FixedSearcher(["a"])
    answer = await (await searching_site(searcher, "a")).ask("/tim-kiem/")
    assert answer.status == 200
    assert (titles(answer.body), searcher.asked) == ([], [])
    assert answer.headers[b"x-robots-tag"] == b"noindex"
    assert 'action="/tim-kiem/"' in answer.body.decode()


async def test_results_are_shown_in_their_order_with_the_words_marked() -> None:
    site = await searching_site(FixedSearcher(["b", "a", "c"]), "a", "b", "c")
    await site.store.put(withdrawn("c", 2))
    answer = await site.ask("/tim-kiem/", query=b"q=tin+a")
    assert titles(answer.body) == ["Tin b", "<mark>Tin a</mark>"]
    text = answer.body.decode()
    assert 'value="tin a"' in text
    assert "3 bài" in text
    assert "Lời dẫn b" in text


async def test_a_question_is_shown_as_text() -> None:
    site = await searching_site(FixedSearcher([]))
    answer = await site.ask("/tim-kiem/", query=b"q=%22%3E%3Cscript%3Ex")
    assert b"<script>x" not in answer.body
    assert "Không có bài nào" in answer.body.decode()


async def test_the_next_part_begins_after_the_last_result() -> None:
    names = [f"a{number:02}" for number in range(23)]
    site = await searching_site(FixedSearcher(names, every=False), *names)
    query, seen = b"q=tin&chuyen-muc=thoi-su", list[str]()
    for size in (PER_PART, PER_PART, 3):
        answer = await site.ask("/tim-kiem/", query=query)
        text = answer.body.decode()
        assert len(titles(answer.body)) == size
        assert "Hơn 23 bài" in text
        seen += titles(answer.body)
        more = re.search(r'href="/tim-kiem/\?([^"]*)" rel="next"', text)
        query = more[1].replace("&amp;", "&").encode() if more else b""
    assert query == b""
    assert seen == [f"<mark>Tin</mark> {name}" for name in names]


def test_a_cursor_is_read_as_it_was_written() -> None:
    for rank in (Rank(0, 0, 1, 0, 1, -1764313501, "ls0001"), Rank(3, 12, 4, 1, 0, 99, "a")):
        assert rank_at(cursor_at(rank)) == rank
    for text in ("", "1", "0.0.9.0.0-1-a", "0.0.1.0.0-1-A", "٣.0.1.0.0-1-a"):
        assert rank_at(text) is None


@pytest.mark.parametrize("query", [b"q=a&before=", b"q=a&before=1-a", b"q=a&before=x&before=y"])
async def test_a_cursor_that_is_none_is_answered_404(query: bytes) -> None:
    site = await searching_site(FixedSearcher(["a"]), "a")
    assert (await site.ask("/tim-kiem/", query=query)).status == 404


async def test_section_and_days_are_asked_for_and_what_is_no_day_is_named() -> None:
    searcher = FixedSearcher([])
    site = await searching_site(searcher)
    query = b"q=x&chuyen-muc=thoi-su&tu=2026-11-01&den=2026-11-02"
    text = (await site.ask("/tim-kiem/", query=query)).body.decode()
    (asked,) = searcher.asked
    assert (asked.sections, asked.language) == (("thoi-su",), "")
    assert str(asked.since) == "2026-11-01 00:00:00+07:00"
    assert str(asked.until) == "2026-11-03 00:00:00+07:00"
    assert '<option value="thoi-su" selected>' in text
    assert 'name="tu" value="2026-11-01"' in text
    text = (await site.ask("/tim-kiem/", query=b"q=x&tu=mai")).body.decode()
    assert "“mai” không phải là một ngày." in text
    text = (await site.ask("/tim-kiem/", query=b"q=?")).body.decode()
    assert "ít nhất một chữ cái hoặc chữ số" in text
    assert len(searcher.asked) == 2


async def test_the_same_question_is_answered_from_memory() -> None:
    searcher = FixedSearcher(["a"])
    site = await searching_site(searcher, "a")
    for query in (b"q=tin", b"q=TIN", b"q=+tin+"):
        assert len(titles((await site.ask("/tim-kiem/", query=query)).body)) == 1
    assert len(searcher.asked) == 1
    site.time += 11
    await site.ask("/tim-kiem/", query=b"q=tin")
    assert len(searcher.asked) == 2


async def test_a_crowd_of_searches_is_asked_to_come_again() -> None:
    site = await searching_site(FixedSearcher(["a"], busy=True), "a")
    answer = await site.ask("/tim-kiem/", query=b"q=tin")
    assert (answer.status, answer.headers[b"retry-after"]) == (503, b"5")
    assert (await site.ask("/")).status == 200


async def test_suggestions_are_tags_then_titles_that_have_what_is_typed() -> None:
    searcher = FixedSearcher(["b", "a"])
    site = await searching_site(searcher, "a", "b")
    answer = await site.ask("/goi-y/", query=b"q=m%C6%B0a%20l")
    assert answer.headers[b"content-type"] == b"application/json"
    tag = {"text": "Mưa lũ", "url": "/tu-khoa/m%C6%B0a-l%C5%A9/"}
    assert json.loads(answer.body) == [tag]
    found = json.loads((await site.ask("/goi-y/", query=b"q=ti")).body)
    assert [each["text"] for each in found] == ["Tin b", "Tin a"]
    assert found[0]["url"] == "/thoi-su/tin-b.html"
    assert json.loads((await site.ask("/goi-y/")).body) == []
    assert searcher.asked == [("mua l", ""), ("ti", "")]


@pytest.mark.parametrize("path", ["/search", "/search/"])
async def test_search_by_another_name_leads_to_the_page(path: str) -> None:
    site = await searching_site(FixedSearcher([]))
    answer = await site.ask(path, query=b"q=a%20b&tu=2026-01-01")
    assert answer.status == 301
    assert answer.headers[b"location"].endswith(b"/?q=a%20b&tu=2026-01-01")


def test_the_script_is_tiny() -> None:
    assert len(RENDERER.files.contents["search.js"]) < 1024
