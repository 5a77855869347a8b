"""The routes of classes of reads, and of where people's reads came from."""

from typing import Annotated

from fastapi import Query, Request, Response

from services.stats import kind_answers, parameters
from services.stats.routes import forms
from services.stats.tables import PlainCell
from shared.web.openapi import problems

_PERIODS = ("total", "today", "yesterday", "week", "month", "year")
routes = forms.stats_routes()


@routes.get(
    "/classes",
    response_model=kind_answers.ClassList,
    responses=forms.TABLE | problems(422),
    dependencies=forms.NEGOTIATED,
)
async def get_classes(
    reports: forms.HeldReports,
    request: Request,
    query: Annotated[parameters.TableParameters, Query()],
) -> Response | kind_answers.ClassList:
    """The site's reads of each class: people's, and those that are filtered, by reason."""
    found = await reports.classes()
    if not forms.wants_table(request, query.format):
        return found
    rows = (
        (
            each.class_,
            PlainCell(str(each.people).lower()),
            *(getattr(each, name) for name in _PERIODS),
        )
        for each in found.classes
    )
    return forms.table("classes", ("class", "people", *_PERIODS), rows)


@routes.get(
    "/sources",
    response_model=kind_answers.SourceList,
    responses=forms.TABLE | problems(422),
    dependencies=forms.NEGOTIATED,
)
async def get_sources(
    reports: forms.HeldReports,
    request: Request,
    query: Annotated[parameters.TableParameters, Query()],
) -> Response | kind_answers.SourceList:
    """Where the site's reads of class `reader` came from, and on what they were read. As CSV one
    table: `what` is `referrer` or `device`.
    """
    found = await reports.sources()
    if not forms.wants_table(request, query.format):
        return found
    named = [
        *(("referrer", each.referrer, each) for each in found.referrers),
        *(("device", each.device, each) for each in found.devices),
    ]
    rows = ((what, kind, *(getattr(each, name) for name in _PERIODS)) for what, kind, each in named)
    return forms.table("sources", ("what", "class", *_PERIODS), rows)
