"""Search: the form, and what it finds."""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from services.render.kinds.parts import PageParts
from services.render.page import Page
from services.render.rendering.renderer import ASIDE_MARK
from services.render.search.plain import text_of_html
from services.render.search.questions import (
    LONGEST_QUESTION,
    Question,
    begin_of_day,
    end_of_day,
    runs_of,
    typed_day,
)
from services.render.search.ranking import Rank
from services.render.search.searching import Results, Searcher
from services.render.search.snippets import marked, snippet_of
from services.render.serving.answers import Answer, redirect
from services.render.serving.fragments import Fragments
from services.render.serving.routes import Asked
from services.render.serving.tags import tag_of
from shared.base.letters import one_form

SEARCH_PAGE, SUGGESTIONS = "tim-kiem", "goi-y"
PER_PART = 10
UNLISTED = (b"x-robots-tag", b"noindex")
_CURSOR = re.compile(
    r"([0-9]{1,3})\.([0-9]{1,3})\.([0-4])\.([01])\.([01])-(-?[0-9]{1,12})-([a-z0-9]{1,32})"
)


@dataclass(frozen=True, slots=True)
class _Typed:
    """What stands in the form, and what is wrong with it."""

    text: str
    section: str
    since: str
    until: str
    notes: tuple[str, ...]
    question: Question


class SearchPage:
    """Answers requests for the search page. `found`: results by question."""

    def __init__(self, parts: PageParts, searcher: Searcher, found: Fragments[Results]) -> None:
        self._parts, self._searcher, self._found = parts, searcher, found

    async def __call__(self, asked: Asked) -> Answer:
        """The form, and the results of what it asks for: those after `before`, best first."""
        parts, typed = self._parts, _typed(asked, self._parts)
        cursor = asked.one("before") if asked.has("before") else None
        after = None if cursor is None else rank_at(cursor)
        if asked.has("before") and after is None:
            return parts.errors.not_found(asked.language)
        parts.require_totals()
        side, stale_side = await parts.side(asked.language)
        shown: dict[str, Any] = {"items": [], "total": None, "older_url": None}
        stale = False
        if typed.question.runs:
            question = typed.question
            results, stale = await self._found.get(
                question, lambda: self._searcher.search(question)
            )
            shown = await self._shown(asked, typed, results, after)
        base = f"{asked.prefix}/{SEARCH_PAGE}/"
        searching = parts.renderer.words(asked.language).say("Tìm kiếm")
        html = parts.renderer.page(
            "search.html",
            title=f"{typed.text} - {searching}" if typed.text else searching,
            canonical=parts.renderer.site.url + base,
            language=asked.language,
            base=base,
            typed=typed,
            first=after is None,
            suggestions=f"{asked.prefix}/{SUGGESTIONS}/",
            **shown,
        )
        return Answer(
            kind="search",
            body=html.replace(ASIDE_MARK, side.html).encode(),
            tag=tag_of(html.encode() + side.tag),
            headers=(UNLISTED,),
            stale=stale or stale_side,
        )

    async def _shown(
        self, asked: Asked, typed: _Typed, results: Results, after: Rank | None
    ) -> dict[str, Any]:
        """The part of the results that begins after the rank `after`."""
        ranks = [rank for rank in results.ranks if after is None or rank > after]
        part, more = ranks[:PER_PART], len(ranks) > PER_PART
        pages = await pages_of(self._parts, [rank.id for rank in part])
        return {
            "items": [self._item(typed.question, page) for page in pages],
            "total": (len(results.ranks), results.every),
            "older_url": _with_cursor(asked, part[-1]) if more else None,
        }

    def _item(self, question: Question, page: Page) -> dict[str, Any]:
        lead = page.article.get("lead", "")
        text = f"{lead}\n{text_of_html(page.article.get('body_html', ''))}"
        return {
            **self._parts.item(page),
            "title": marked(question, page.summary["title"]),
            "snippet": snippet_of(question, text) or lead,
        }


class ToSearch:
    """Leads from other words for search to its page."""

    async def __call__(self, asked: Asked) -> Answer:
        """301 with the question."""
        return redirect(f"{asked.prefix}/{SEARCH_PAGE}/", 301, asked.query)


async def pages_of(parts: PageParts, ids: list[str]) -> list[Page]:
    """The public pages of these articles, in this order."""
    queries, place = parts.queries, {name: number for number, name in enumerate(ids)}
    pages = await queries.wait(queries.start(lambda: parts.store.found(ids)))
    return sorted(pages, key=lambda page: place[page.id])


def rank_at(cursor: str) -> Rank | None:
    """The rank that a link names; None if it names none."""
    if not (match := _CURSOR.fullmatch(cursor)):
        return None
    apart, distance, field, scattered, unlike, at = (int(each) for each in match.groups()[:6])
    return Rank(apart, distance, field, scattered, unlike, -at, match[7])


def cursor_at(rank: Rank) -> str:
    """A rank in a link, such as `0.0.1.0.0-1764313501-ls0001`."""
    return f"{'.'.join(map(str, rank[:5]))}-{-rank.newest}-{rank.id}"


def _typed(asked: Asked, parts: PageParts) -> _Typed:
    notes, zone = list[str](), parts.renderer.zone
    say = parts.renderer.words(asked.language).say
    text = one_form(" ".join((asked.one("q") or "").split()))
    section = asked.one("chuyen-muc") or ""
    days = {name: (asked.one(name) or "").strip() for name in ("tu", "den")}
    read = {name: typed_day(value) for name, value in days.items()}
    notes += [
        say("“%(text)s” không phải là một ngày.", text=value[:20])
        for name, value in days.items()
        if value and read[name] is None
    ]
    runs = runs_of(text)
    if text and not runs:
        notes.append(say("Bạn hãy nhập ít nhất một chữ cái hoặc chữ số."))
    if len(text) > LONGEST_QUESTION:
        notes.append(say("Chỉ %(most)s ký tự đầu được tìm.", most=LONGEST_QUESTION))
    site, since, until = parts.renderer.site, read["tu"], read["den"]
    question = Question(
        runs=runs,
        sections=site.within(section) if section else (),
        language=asked.language if len(site.languages) > 1 else "",
        since=begin_of_day(since, zone) if since else None,
        until=end_of_day(until, zone) if until else None,
    )
    shown = {name: day.isoformat() if day else "" for name, day in read.items()}
    return _Typed(
        text[:LONGEST_QUESTION], section, shown["tu"], shown["den"], tuple(notes), question
    )


def _with_cursor(asked: Asked, rank: Rank) -> str:
    """The address of the part after `rank`."""
    given = {name: asked.one(name) for name in ("q", "chuyen-muc", "tu", "den")}
    values = {name: value for name, value in given.items() if value}
    return f"{asked.prefix}/{SEARCH_PAGE}/?{urlencode({**values, 'before': cursor_at(rank)})}"
