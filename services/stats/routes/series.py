"""The routes of reads over time."""

from typing import Annotated

from fastapi import Query, Request, Response

from services.stats import answers, parameters
from services.stats.routes import forms
from services.stats.tables import local_time
from shared.web.openapi import problems

_NEITHER = {404: "No article with this id was ever published, or none is in this section."}
routes = forms.stats_routes()


@routes.get(
    "/series",
    response_model=answers.SeriesPoints,
    responses=forms.TABLE | problems(422, also=_NEITHER),
    dependencies=forms.NEGOTIATED,
)
async def get_series(
    reports: forms.HeldReports,
    request: Request,
    query: Annotated[parameters.SeriesParameters, Query()],
) -> Response | answers.SeriesPoints:
    """Reads over time: one point for each hour, day, week or month in [from, to), at most 2000
    points.
    """
    found = await reports.series(query)
    if not forms.wants_table(request, query.format):
        return found
    rows = ((local_time(point.start), found.tz, point.time, point.reads) for point in found.points)
    return forms.table(f"series-{query.step}", ("start", "zone", "time", "reads"), rows)
