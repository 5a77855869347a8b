"""The routes of figures: of the site, an article, and sections."""

from typing import Annotated

from fastapi import Path, Query, Request, Response

from luotdoc_events.events import ARTICLE_ID
from services.stats import answers, parameters
from services.stats.routes import forms
from shared.web.openapi import problems

routes = forms.stats_routes()


@routes.get("/site", response_description="The figures.", responses=forms.ANSWER | problems(422))
async def get_site(
    reports: forms.HeldReports, query: Annotated[parameters.CompareParameters, Query()]
) -> answers.Site:
    """Reads of the whole site: total, today, yesterday, this week, this month and this year."""
    return await reports.site(query.compare)


@routes.get(
    "/articles/{id}",
    response_description="The article's figures.",
    responses=forms.ANSWER | problems(422, also=forms.NO_SUCH_ARTICLE | forms.TOO_MANY_ASK),
)
async def get_article_reads(
    reports: forms.HeldReports,
    article_id: Annotated[
        str,
        Path(alias="id", pattern=ARTICLE_ID, description="the article's id", examples=["hello1"]),
    ],
    query: Annotated[parameters.CompareParameters, Query()],
) -> answers.ArticleReads:
    """Reads of one article, also after its withdrawal."""
    return await reports.article(article_id, query.compare)


@routes.get(
    "/sections",
    response_model=answers.SectionList,
    responses=forms.TABLE | problems(422, also=forms.BEING_PREPARED),
    dependencies=forms.NEGOTIATED,
)
async def get_sections(
    reports: forms.HeldReports,
    request: Request,
    query: Annotated[parameters.TableParameters, Query()],
) -> Response | answers.SectionList:
    """Reads of every section that has an article, by name."""
    found = await reports.sections()
    if not forms.wants_table(request, query.format):
        return found
    head = (*(name for name in answers.SectionFigures.model_fields if name != "readers"), *_READERS)
    rows = (_cells(each) for each in found.sections)
    return forms.table("sections", head, rows)


_READERS = (
    *("readers_today", "readers_today_error", "readers_yesterday", "readers_yesterday_error"),
    *("readers_mean_7d", "readers_mean_30d"),
)
"""The columns of a section's readers, in a table."""


def _cells(section: answers.SectionFigures) -> tuple[str | float | None, ...]:
    readers = section.readers
    return (
        *section.model_dump(exclude={"readers"}).values(),
        *(readers.today.number, readers.today.error),
        *(readers.yesterday.number, readers.yesterday.error),
        *(readers.mean_7d, readers.mean_30d),
    )


@routes.get(
    "/sections/{section}",
    response_description="The section's figures.",
    responses=forms.ANSWER | problems(422, also=forms.NO_SUCH_SECTION | forms.BEING_PREPARED),
)
async def get_section_reads(
    reports: forms.HeldReports,
    section: Annotated[
        str,
        Path(
            pattern=parameters.SECTION_SLUG,
            max_length=100,
            description="the section's slug",
            examples=["van-hoa"],
        ),
    ],
    query: Annotated[parameters.CompareParameters, Query()],
) -> answers.SectionReads:
    """Reads of one section: of all articles that are in it now."""
    return await reports.section(section, query.compare)
