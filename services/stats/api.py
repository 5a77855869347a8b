"""The HTTP API of stats."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Path, Query, Request, Response

from luotdoc_events.events import ARTICLE_ID
from services.stats import answers, parameters
from services.stats.reports import Reports
from services.stats.tables import article_cell, local_time, to_csv, wants_csv
from shared.web import health, state
from shared.web.api import make_api
from shared.web.asgi import App, Receive, Scope, Send, respond
from shared.web.openapi import Described, problems

ABOUT = """\
Read counts of the portal and its articles. No token is needed.

Every error is an RFC 9457 problem document, `application/problem+json`. Every answer carries an
`X-Correlation-Id`, which the request may choose. Unknown parameters are refused."""

_TAGGED = {
    "ETag": {"description": "a tag of the answer", "schema": {"type": "string"}},
    "Cache-Control": {
        "description": "how long the answer may be kept",
        "schema": {"type": "string"},
    },
}
_VARY = {"Vary": {"description": "Accept", "schema": {"type": "string"}}}
_TABLE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "JSON, or a table as CSV (RFC 4180) with a header line.",
        "headers": _TAGGED | _VARY,
        "content": {"text/csv": {"schema": {"type": "string"}}},
    },
    304: {"description": "The client has this answer: `If-None-Match` names its tag."},
}
_ANSWER: dict[int | str, dict[str, Any]] = {200: {"headers": _TAGGED}, 304: _TABLE[304]}
_NO_ARTICLE = {404: "No article with this id was ever published."}
_NO_SECTION = {404: "No article is in this section."}
_NEITHER = {404: "No article with this id was ever published, or none is in this section."}


def describe_api() -> FastAPI:
    """The API for its OpenAPI document. It has no reports, so it can't answer requests."""
    described = Described(
        paths={**state.PATHS, **health.PATHS}, models=(*state.MODELS, *health.MODELS)
    )
    api = make_api("Lượt Đọc: statistics", ABOUT, described, docs_under=routes.prefix)
    api.include_router(routes)
    return api


def make(reports: Reports) -> FastAPI:
    """The API, whose handlers read `reports`."""
    api = describe_api()
    api.state.reports = reports
    return api


async def _reports(request: Request) -> Reports:
    held: Reports = request.app.state.reports
    return held


async def _negotiated(response: Response) -> None:
    response.headers["vary"] = "Accept"


HeldReports = Annotated[Reports, Depends(_reports)]
routes = APIRouter(prefix="/stats", tags=["statistics"])


@routes.get("/site", response_description="The figures.", responses=_ANSWER | problems(422))
async def get_site(
    reports: HeldReports, _query: Annotated[parameters.NoParameters, Query()]
) -> answers.Site:
    """Reads of the whole site: total, today, yesterday, this week, this month and this year."""
    return await reports.site()


@routes.get(
    "/articles/{id}",
    response_description="The article's figures.",
    responses=_ANSWER | problems(422, also=_NO_ARTICLE),
)
async def get_article_reads(
    reports: HeldReports,
    article_id: Annotated[
        str,
        Path(alias="id", pattern=ARTICLE_ID, description="the article's id", examples=["hello1"]),
    ],
    _query: Annotated[parameters.NoParameters, Query()],
) -> answers.ArticleReads:
    """Reads of one article, also after its withdrawal."""
    return await reports.article(article_id)


@routes.get(
    "/sections",
    response_model=answers.SectionList,
    responses=_TABLE | problems(422),
    dependencies=[Depends(_negotiated)],
)
async def get_sections(
    reports: HeldReports, request: Request, query: Annotated[parameters.TableParameters, Query()]
) -> Response | answers.SectionList:
    """Reads of every section that has an article, by name."""
    found = await reports.sections()
    if not wants_csv(query.format, request.headers.get("accept", "")):
        return found
    head = tuple(answers.SectionFigures.model_fields)
    rows = (tuple(each.model_dump().values()) for each in found.sections)
    return _table("sections", head, rows)


@routes.get(
    "/sections/{section}",
    response_description="The section's figures.",
    responses=_ANSWER | problems(422, also=_NO_SECTION),
)
async def get_section_reads(
    reports: HeldReports,
    section: Annotated[
        str,
        Path(
            pattern=parameters.SECTION_SLUG,
            max_length=100,
            description="the section's slug",
            examples=["van-hoa"],
        ),
    ],
    _query: Annotated[parameters.NoParameters, Query()],
) -> answers.SectionReads:
    """Reads of one section: of all articles that are in it now."""
    return await reports.section(section)


@routes.get(
    "/top",
    response_model=answers.TopList,
    responses=_TABLE | problems(422, also=_NO_SECTION),
    dependencies=[Depends(_negotiated)],
)
async def get_top(
    reports: HeldReports, request: Request, query: Annotated[parameters.TopParameters, Query()]
) -> Response | answers.TopList:
    """The most read published articles of a time window. The start of one of hours, days or months
    is rounded down to a quarter of an hour.
    """
    found = await reports.top(query)
    if not wants_csv(query.format, request.headers.get("accept", "")):
        return found
    rows = ((article_cell(item.article), item.title, item.url, item.reads) for item in found.items)
    return _table(f"top-{query.window}", ("article", "title", "url", "reads"), rows)


@routes.get(
    "/series",
    response_model=answers.SeriesPoints,
    responses=_TABLE | problems(422, also=_NEITHER),
    dependencies=[Depends(_negotiated)],
)
async def get_series(
    reports: HeldReports, request: Request, query: Annotated[parameters.SeriesParameters, Query()]
) -> Response | answers.SeriesPoints:
    """Reads over time: one point for each hour, day, week or month in [from, to), at most 2000
    points.
    """
    found = await reports.series(query)
    if not wants_csv(query.format, request.headers.get("accept", "")):
        return found
    rows = ((local_time(point.start), found.tz, point.reads) for point in found.points)
    return _table(f"series-{query.step}", ("start", "zone", "reads"), rows)


@routes.get("/reconciliation", response_description="The books.", responses=_ANSWER | problems(422))
async def get_reconciliation(
    reports: HeldReports, _query: Annotated[parameters.NoParameters, Query()]
) -> answers.Reconciliation:
    """The books: the number of reads accepted,
    and how many are counted, filtered, parked or in flight.
    """
    return await reports.reconciliation()


def caching(path: str) -> bytes:
    """The `Cache-Control` of an answer: lists, tables and series may be a second old, so that a
    cache takes the load of many readers.
    """
    kept = path.startswith(("/stats/top", "/stats/series", "/stats/sections"))
    return b"public, max-age=1" if kept else b"no-cache"


def site_at_once(app: App, reports: Reports) -> App:
    """Answer `GET /stats/site` before `app`, if it has no parameters, as `get_site` would.
    Every page may request it, so it must not queue for `app` with the other requests.
    """

    async def wrapper(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] != "/stats/site" or scope["method"] != "GET" or scope["query_string"]:
            await app(scope, receive, send)
            return
        body = (await reports.site()).model_dump_json().encode()
        await respond(send, 200, body, [(b"content-type", b"application/json")], policy=[])

    return wrapper


def _table(name: str, head: Sequence[str], rows: Iterable[Sequence[str | int]]) -> Response:
    disposition = f'attachment; filename="luotdoc-{name}.csv"'
    return Response(
        to_csv(head, rows),
        media_type="text/csv",
        headers={"content-disposition": disposition, "vary": "Accept"},
    )
