"""The HTTP API of stats."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from services.stats import answers, questions
from services.stats.reports import Reports
from services.stats.tables import to_csv, wants_csv
from shared.events import ARTICLE_ID
from shared.http import App, make_api

MAX_BODY = 0
"""Bytes; every request is a GET."""

_TABLE: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {}}}}


def make(reports: Reports) -> App:
    """The API, which answers with `reports`."""
    api = make_api("Lượt Đọc: statistics", "Read counts of the portal and its articles.", MAX_BODY)
    api.include_router(_routes(reports))
    return api


def _routes(reports: Reports) -> APIRouter:
    routes = APIRouter(prefix="/stats")

    @routes.get("/site")
    async def site(_asked: Annotated[questions.Nothing, Query()]) -> answers.Site:
        """The whole site: total, today, yesterday, this week, month and year."""
        return await reports.site()

    @routes.get("/articles/{id}")
    async def article(
        article_id: Annotated[str, Path(alias="id", pattern=ARTICLE_ID)],
        _asked: Annotated[questions.Nothing, Query()],
    ) -> answers.ArticleReads:
        """One article, withdrawn ones too."""
        return await reports.article(article_id)

    @routes.get("/top", response_model=answers.TopList, responses=_TABLE, dependencies=[Depends(_negotiated)])
    async def top(request: Request, asked: Annotated[questions.Top, Query()]) -> Response | answers.TopList:
        """The most read published articles of a window. The window starts with a quarter of an hour."""
        found = await reports.top(asked)
        if not wants_csv(asked.format, request.headers.get("accept", "")):
            return found
        rows = ((item.article, item.title, item.url, item.reads) for item in found.items)
        return _table(f"top-{asked.window}", ("article", "title", "url", "reads"), rows)

    @routes.get("/series", response_model=answers.SeriesPoints, responses=_TABLE, dependencies=[Depends(_negotiated)])
    async def series(request: Request, asked: Annotated[questions.Series, Query()]) -> Response | answers.SeriesPoints:
        """Reads over time: of each hour, day or month in [from, to), at most 2000 points."""
        found = await reports.series(asked)
        if not wants_csv(asked.format, request.headers.get("accept", "")):
            return found
        rows = ((point.start, point.reads) for point in found.points)
        return _table(f"series-{asked.step}", ("start", "reads"), rows)

    @routes.get("/reconciliation")
    async def reconciliation(_asked: Annotated[questions.Nothing, Query()]) -> answers.Reconciliation:
        """The books: what was accepted, and where it is."""
        return await reports.reconciliation()

    return routes


async def _negotiated(response: Response) -> None:
    response.headers["vary"] = "Accept"


def _table(name: str, head: Sequence[str], rows: Iterable[Sequence[str | int]]) -> Response:
    disposition = f'attachment; filename="luotdoc-{name}.csv"'
    return Response(
        to_csv(head, rows), media_type="text/csv", headers={"content-disposition": disposition, "vary": "Accept"}
    )
