"""The routes of search, and what they share."""

from collections.abc import Callable
from typing import Any

from services.render.kinds.parts import PageParts
from services.render.kinds.search import SEARCH_PAGE, SUGGESTIONS, SearchPage, ToSearch
from services.render.kinds.suggestions import SuggestedTexts
from services.render.search.searching import Searcher
from services.render.serving.fragments import Fragments
from services.render.serving.routes import Route, route

FRESH_SECONDS, MOST = 10.0, 500
"""For how long results are kept in memory, and of how many questions."""


def search_routes(
    parts: PageParts, searcher: Searcher, fragments: Callable[..., Fragments[Any]]
) -> list[Route]:
    """The search page, its suggestions, and the paths that lead to it."""
    found = fragments(fresh_seconds=FRESH_SECONDS, most=MOST)
    suggested = fragments(fresh_seconds=FRESH_SECONDS, most=MOST)
    return [
        route(f"/{SEARCH_PAGE}/", SearchPage(parts, searcher, found), localised=True),
        route(f"/{SUGGESTIONS}/", SuggestedTexts(parts, searcher, suggested), localised=True),
        route("/search/", ToSearch(), localised=True),
    ]
