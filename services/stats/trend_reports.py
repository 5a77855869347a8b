"""Builds the lists of trending articles, from the keeper's view."""

from luotdoc_subscriber.base.clock import rfc3339
from services.stats import answers
from services.stats.parameters import TrendingParameters
from services.stats.traffic.keeper import Keeper
from shared.base.errors import Unavailable

PLACES = 2
"""Decimal places of scores and expected reads."""


async def trending_list(keeper: Keeper, query: TrendingParameters) -> answers.TrendingList:
    """The trending articles of the newest view. Raises `Unavailable` while they are not ready."""
    view = await keeper.current()
    if view.trends is None:
        raise Unavailable("the figures of trends are being prepared, try again")
    found = (await view.trends.lists()).get(query.section, [])[: query.limit]
    titles = await keeper.catalogue.titles(trend.article for trend in found)
    items = [
        answers.TrendingItem(
            article=trend.article,
            title=titles[trend.article][0],
            url=titles[trend.article][1],
            reads=trend.reads,
            expected=round(trend.expected, PLACES),
            score=round(trend.score, PLACES),
        )
        for trend in found
        if trend.article in titles
    ]
    return answers.TrendingList(section=query.section, items=items, as_of=rfc3339(view.as_of))
