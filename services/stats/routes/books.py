"""The route of the books."""

from typing import Annotated

from fastapi import Query

from services.stats import books_answers, parameters
from services.stats.routes import forms
from shared.web.openapi import problems

routes = forms.stats_routes()


@routes.get(
    "/reconciliation", response_description="The books.", responses=forms.ANSWER | problems(422)
)
async def get_reconciliation(
    reports: forms.HeldReports, _query: Annotated[parameters.NoParameters, Query()]
) -> books_answers.Reconciliation:
    """The books: the number of reads accepted,
    and how many are counted, filtered, parked or in flight.
    """
    return await reports.reconciliation()
