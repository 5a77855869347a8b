"""Whether render can serve pages, and whether they are current."""

from dataclasses import dataclass

from luotdoc_subscriber.consuming import not_consuming
from luotdoc_subscriber.rabbit import broker as rabbit
from services.render.serving.cache import PageCache
from services.render.serving.database import ReaderQueries
from services.render.settings import RenderSettings
from services.render.totals import Totals
from shared.base.site_following import SiteFollower

STALE_SECONDS = 15.0
"""Time without an answer from MongoDB after which render is not ready."""


@dataclass(frozen=True, kw_only=True)
class RenderReadiness:
    """Judges whether render can serve pages, and whether they are current."""

    settings: RenderSettings
    broker: rabbit.Broker
    queries: ReaderQueries
    totals: Totals
    cache: PageCache
    site: SiteFollower

    def not_ready(self) -> str | None:
        """The reason why no page can be served; None while pages can be, if only from memory.
        RabbitMQ is not needed.
        """
        if not self.totals.loaded:
            return "the read counts are not loaded yet"
        if self.queries.silence > STALE_SECONDS and not self.cache.holds_stale:
            return "MongoDB has not answered for a while"
        return None

    def degraded(self) -> str | None:
        """The reason why pages are served from memory alone or don't follow their articles;
        None while all is well.
        """
        if self.queries.silence <= STALE_SECONDS:
            return not_consuming(self.broker) or self._unused()
        return (
            f"MongoDB has not answered for {self.queries.silence:.0f} s: only the pages in "
            f"memory are served, and those for {self.settings.stale_pages} s at most"
        )

    def _unused(self) -> str | None:
        return (
            f"the site's file of before is in use: {self.site.fault}" if self.site.fault else None
        )

    def publishes(self) -> bool:
        """True while pages follow their articles: only then may heartbeats say so."""
        return (self.not_ready() or not_consuming(self.broker)) is None
