"""The routes of what other sites embed: badges and the widget."""

from pathlib import Path
from typing import Annotated, Literal

import fastapi
from fastapi import Query, Response
from pydantic import Field

from luotdoc_events.events import ArticleId
from services.stats import embedding
from services.stats.embedding.badges import LABELS, badge, label_of, shown_number
from services.stats.parameters import NoParameters
from services.stats.reports import Reports
from services.stats.routes import forms
from shared.base.errors import Problem
from shared.web.openapi import problems

routes = forms.stats_routes()

SVG_TYPE, SCRIPT_TYPE = "image/svg+xml", "text/javascript"
BADGE = (
    f"^({'|'.join(LABELS['vi'])}"
    "|([1-9][0-9]?|[1-6][0-9]{2}|7[0-3][0-9]|74[0-4])h|([1-9]|[12][0-9]|3[01])d)$"
)
WIDGET = Path(embedding.__file__).with_name("widget.js").read_bytes()
WIDGET_CACHING = "public, max-age=3600"
EVERY_PAGE = {"access-control-allow-origin": "*"}
"""Badges and the widget are for every site; `LUOTDOC_CORS_ORIGINS` is for figures."""


class BadgeParameters(NoParameters):
    """Parameters of a badge."""

    article: ArticleId | None = Field(None, description="id of an article; default: the whole site")
    lang: Literal["vi", "en"] = Field("vi", description="language of the label and the number")


class SvgAnswer(Response):
    """The class of a route that answers a picture."""

    media_type = SVG_TYPE


class ScriptAnswer(Response):
    """The class of a route that answers a script."""

    media_type = SCRIPT_TYPE


@routes.get(
    "/badge/{name}.svg",
    response_class=SvgAnswer,
    response_description="The picture.",
    responses=forms.ANSWER | problems(422, also=forms.NO_SUCH_ARTICLE | forms.TOO_MANY_ASK),
)
async def get_badge(
    reports: forms.HeldReports,
    name: Annotated[
        str,
        fastapi.Path(
            pattern=BADGE,
            description="`total`, `today`, `yesterday`, `week`, `month` or `year`; of the site "
            "also `<n>h` or `<n>d`, at most 31d",
            examples=["today"],
        ),
    ],
    query: Annotated[BadgeParameters, Query()],
) -> Response:
    """A number of reads as a small picture, for any site."""
    number = shown_number(await badge_reads(reports, name, query.article), query.lang)
    picture = badge(label_of(name, query.lang), number, query.lang)
    return SvgAnswer(picture, headers=EVERY_PAGE)


@routes.get(
    "/widget.js",
    response_class=ScriptAnswer,
    response_description="The script.",
    responses=forms.ANSWER,
)
async def get_widget() -> Response:
    """A script that fills numbers of reads into the pages of other sites, whose origins
    `LUOTDOC_CORS_ORIGINS` names.
    """
    return ScriptAnswer(WIDGET, headers={**EVERY_PAGE, "cache-control": WIDGET_CACHING})


async def badge_reads(reports: Reports, name: str, article: str | None) -> int:
    """The reads that a badge shows. Raises `Problem` 404 for an unknown article, 422 for a window
    that an article has no figure of.
    """
    named = name in LABELS["vi"]
    if article:
        if not named:
            raise Problem.invalid("name", f"of an article must be one of {', '.join(LABELS['vi'])}")
        figures = await reports.article(article)
        return int(figures.reads if name == "total" else getattr(figures, name))
    if not named:
        return await reports.site_reads(name)
    return int(getattr(await reports.site(), name))
