"""stats' HTTP API: the routes together, and their document."""

import re

from fastapi import FastAPI

from services.stats.exporting.exports import Exports
from services.stats.live.document import LIVE_MODELS, LIVE_PATHS
from services.stats.pages.pages import Pages, is_page
from services.stats.reports import Reports
from services.stats.routes import (
    books,
    embedded,
    exports,
    figures,
    kinds,
    lists,
    pages,
    readers,
    series,
)
from shared.web import health, state
from shared.web.api import make_api
from shared.web.openapi import Described

ABOUT = """\
Read counts of the portal and its articles. No token is needed.

Every error is an RFC 9457 problem document, `application/problem+json`. Every answer carries an
`X-Correlation-Id`, which the request may choose. Unknown parameters are refused."""
_UNDER = "/stats"
_LISTS = tuple(
    f"{_UNDER}/{name}"
    for name in (
        *("top", "trending", "series", "readers", "sections", "classes", "sources"),
        *("badge/", "widget.js", "tables/"),
    )
)
"""How the paths of lists, tables, series, badges and the widget begin."""
KEPT = b"public, max-age=1"
"""The `Cache-Control` of answers that may be a second old."""
MOMENT = re.compile(rb'"as_of":"[^"]*"')
"""The moment of an answer's figures, which its tag leaves out: figures that have not changed are
the same a second later. No text can hold it, because its quotes would have backslashes."""


def describe_api() -> FastAPI:
    """The API for its OpenAPI document. It has no reports, so it can't answer requests."""
    described = Described(
        paths={**state.PATHS, **health.PATHS, **LIVE_PATHS},
        models=(*state.MODELS, *health.MODELS, *LIVE_MODELS),
    )
    api = make_api("Lượt Đọc: statistics", ABOUT, described, docs_under=_UNDER)
    for module in (figures, lists, series, readers, exports, kinds, books, embedded, pages):
        api.include_router(module.routes)
    return api


def make(reports: Reports, tables: Exports, shown: Pages | None = None) -> FastAPI:
    """The API, whose handlers read `reports`, `tables` and `shown`."""
    api = describe_api()
    api.state.reports, api.state.exports, api.state.pages = reports, tables, shown
    return api


def caching(path: str) -> bytes:
    """The `Cache-Control` of an answer: lists, tables, series, badges and pages may be a second
    old, so that a cache takes the load of many readers.
    """
    return KEPT if path.startswith(_LISTS) or is_page(path) else b"no-cache"
