"""The route of exports."""

from typing import Annotated

from fastapi import Query, Request, Response

from services.stats import parameters
from services.stats.routes import forms
from services.stats.tables import CSV, NDJSON, chosen_form
from shared.web.openapi import problems

routes = forms.stats_routes()


@routes.get(
    "/export",
    response_class=forms.CsvAnswer,
    responses=forms.ROWS | problems(422, also=forms.NO_SUCH_ARTICLE | forms.TOO_MANY_EXPORTS),
)
async def get_export(
    exports: forms.HeldExports,
    request: Request,
    query: Annotated[parameters.ExportParameters, Query()],
) -> Response:
    """Every read by article and quarter of an hour: a row for each that has reads, filtered ones
    included, sorted by article and time. The columns after `reads`, which counts people's, are the
    classes. `time` is the start in milliseconds since 1970.

    Each article's rows are of one moment, and exact; the next article's are of a later one. The
    rows are sent while they are made. At most two exports run at once. If anything fails, the
    connection is broken off. So it is if the client takes nothing for 30 seconds, or after those
    30 seconds less than 32 KiB in each second that the answer waits for it, in the mean.
    """
    table = await exports.reads(query)
    accept = request.headers.get("accept", "")
    form = chosen_form(query.format, accept, (CSV, NDJSON))
    return forms.streamed(table, form)
