"""The routes of reads over time."""

from typing import Annotated

from fastapi import Query, Request, Response

from services.stats import answers, parameters
from services.stats.routes import forms
from services.stats.tables import CSV, JSON, MEDIA_TYPES, NDJSON, chosen_form
from shared.web.openapi import problems

_NEITHER = {404: "No article with this id was ever published, or none is in this section."}
routes = forms.stats_routes()


@routes.get(
    "/series",
    response_model=answers.SeriesPoints,
    responses=forms.SERIES | problems(422, also=_NEITHER | forms.SERIES_NOT_NOW),
    dependencies=forms.NEGOTIATED,
)
async def get_series(
    reports: forms.HeldReports,
    exports: forms.HeldExports,
    request: Request,
    query: Annotated[parameters.SeriesParameters, Query()],
) -> Response:
    """Reads over time: one point for each hour, day, week or month in [from, to). JSON has at most
    2000 points; rows as CSV or NDJSON may be 200,000. A number that is null, or an empty cell, is
    not known.
    """
    form = chosen_form(query.format, request.headers.get("accept", ""), (JSON, CSV, NDJSON))
    if form == JSON:
        body = await reports.series(query)
        return Response(body, media_type=MEDIA_TYPES[JSON], headers={"vary": "Accept"})
    return forms.streamed(await exports.series(query), form)
