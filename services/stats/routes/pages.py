"""The routes of pages for people, and of the files that they load.

They are not in the API's document. Parameters that a page does not know are passed over: addresses
that people share gain some.
"""

import re
from typing import Annotated

from fastapi import Depends, Request, Response

from luotdoc_events.events import ARTICLE_ID
from luotdoc_subscriber.base.errors import Transient
from services.stats.pages.article_pages import ARTICLES_PATH
from services.stats.pages.pages import Pages, chosen_language
from services.stats.pages.shown import MEDIA_TYPES_BY_END, PAGE_POLICY, HtmlPage
from services.stats.pages.site_pages import SITE_PATH
from services.stats.pages.spans import DEFAULT_PERIOD, PERIODS
from services.stats.routes import forms
from shared.base.errors import Problem, Unavailable
from shared.web.headers import page_policy
from shared.web.problems import as_problem

KEPT_FOREVER = "public, max-age=31536000, immutable"
_HEADERS = {name.decode(): value.decode() for name, value in page_policy(PAGE_POLICY)}
routes = forms.stats_routes()


async def _pages(request: Request) -> Pages:
    held: Pages = request.app.state.pages
    return held


HeldPages = Annotated[Pages, Depends(_pages)]


def _html(page: HtmlPage, **headers: str) -> Response:
    kept = {"etag": page.tag} if page.status == 200 else {"cache-control": "no-store"}
    return Response(page.body, page.status, {**_HEADERS, **kept, **headers}, "text/html")


def _away(pages: Pages, error: Exception, code: str | None, path: str) -> Response:
    """A page that says to try again."""
    problem = as_problem(error)
    page = pages.renderer.error(503, chosen_language(code), path)
    return _html(page, **dict(problem.headers))


@routes.get("", include_in_schema=False)
async def get_page_without_slash() -> Response:
    """The page's address has a slash at its end."""
    return Response(None, 301, {"location": SITE_PATH, "cache-control": "public, max-age=60"})


@routes.get("/", include_in_schema=False)
async def get_site_page(
    pages: HeldPages, period: str | None = None, lang: str | None = None
) -> Response:
    """The figures of the site for people."""
    chosen = period if period in PERIODS else DEFAULT_PERIOD
    try:
        return _html(await pages.site.page(chosen, chosen_language(lang)))
    except (Transient, TimeoutError, Unavailable) as error:
        return _away(pages, error, lang, SITE_PATH)


@routes.get("/articles/{id}/", include_in_schema=False)
async def get_article_page(pages: HeldPages, request: Request, lang: str | None = None) -> Response:
    """The figures of an article for people."""
    article, language = request.path_params["id"], chosen_language(lang)
    if not re.fullmatch(ARTICLE_ID, article):
        return _html(pages.renderer.error(404, language, SITE_PATH))
    try:
        return _html(await pages.articles.page(article, language))
    except (Transient, TimeoutError, Unavailable) as error:
        return _away(pages, error, lang, f"{ARTICLES_PATH}{article}/")


@routes.get("/tables/{name}", include_in_schema=False)
async def get_page_table(pages: HeldPages, name: str, period: str | None = None) -> Response:
    """The numbers of a plot that is not a series, as CSV."""
    chosen = period if period in PERIODS else DEFAULT_PERIOD
    found = await pages.site.table(name, chosen)
    return forms.table(f"{name}-{chosen}", found.columns, found.rows)


@routes.get("/static/{name}", include_in_schema=False)
async def get_page_file(pages: HeldPages, name: str) -> Response:
    """A file that pages load."""
    content = pages.renderer.files.get(name)
    if content is None:
        raise Problem(404, "pages have no such file")
    kind = MEDIA_TYPES_BY_END[name.rpartition(".")[2]]
    return Response(content, headers={"cache-control": KEPT_FOREVER}, media_type=kind)
