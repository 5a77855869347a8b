"""The route of unique readers by day."""

from collections.abc import AsyncGenerator
from typing import Annotated

from fastapi import Query, Request, Response

from services.stats.exporting.exports import ExportTable
from services.stats.readers.answers import ReadersSeries
from services.stats.readers.parameters import ReadersParameters
from services.stats.routes import forms
from services.stats.tables import CSV, JSON, NDJSON, chosen_form
from services.stats.traffic.export import MOMENT_COLUMNS, ExportRow
from shared.web.openapi import problems

_COLUMNS = (*MOMENT_COLUMNS, "day", "readers", "error")
_NEITHER = {404: "No article with this id was ever published, or none is in this section."}
routes = forms.stats_routes()


@routes.get(
    "/readers",
    response_model=ReadersSeries,
    responses=forms.SERIES | problems(422, also=_NEITHER | forms.TOO_MANY_OR_PREPARED),
    dependencies=forms.NEGOTIATED,
)
async def get_readers(
    reports: forms.HeldReports,
    request: Request,
    query: Annotated[ReadersParameters, Query()],
) -> Response | ReadersSeries:
    """Distinct readers of each day in [from, to), of the site, a section or an article. A day of
    readers begins at 04:00 in the site's time zone. Up to 1000 readers the number is exact; then
    `error` says how near it is. Days can't be added up: `mean` has the mean daily readers. Of a
    section they are the readers of its articles, each in the section in which it was read.
    """
    form = chosen_form(query.format, request.headers.get("accept", ""), (JSON, CSV, NDJSON))
    series, zone = await reports.readers(query)
    if form == JSON:
        return series
    return forms.streamed(ExportTable("readers", _COLUMNS, _rows(series, zone), False), form)


async def _rows(series: ReadersSeries, zone: str) -> AsyncGenerator[ExportRow, None]:
    for each in series.points:
        yield each.start, zone, each.time, each.day, each.readers, each.error
