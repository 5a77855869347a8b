"""The routes of lists of articles."""

from typing import Annotated

from fastapi import Query, Request, Response

from services.stats import answers, parameters
from services.stats.routes import forms
from shared.web.openapi import problems

routes = forms.stats_routes()


@routes.get(
    "/top",
    response_model=answers.TopList,
    responses=forms.TABLE | problems(422, also=forms.NO_SUCH_SECTION | forms.TOO_MANY_OR_PREPARED),
    dependencies=forms.NEGOTIATED,
)
async def get_top(
    reports: forms.HeldReports,
    request: Request,
    query: Annotated[parameters.TopParameters, Query()],
) -> Response | answers.TopList:
    """The most read published articles of a time window. The start of one of hours, days or months
    is rounded down to a quarter of an hour.
    """
    found = await reports.top(query)
    if not forms.wants_table(request, query.format):
        return found
    rows = ((item.article, item.title, item.url, item.reads) for item in found.items)
    return forms.table(f"top-{query.window}", ("article", "title", "url", "reads"), rows)


@routes.get(
    "/trending",
    response_model=answers.TrendingList,
    responses=forms.TABLE | problems(422, also=forms.NO_SUCH_SECTION | forms.BEING_PREPARED),
    dependencies=forms.NEGOTIATED,
)
async def get_trending(
    reports: forms.HeldReports,
    request: Request,
    query: Annotated[parameters.TrendingParameters, Query()],
) -> Response | answers.TrendingList:
    """The published articles that are read more in the last two hours than was to be expected from
    their day before and the site's course of the day: highest score first.
    """
    found = await reports.trending(query)
    if not forms.wants_table(request, query.format):
        return found
    rows = (
        (item.article, item.title, item.url, item.reads, item.expected, item.score)
        for item in found.items
    )
    return forms.table("trending", tuple(answers.TrendingItem.model_fields), rows)
