"""The events of pages: `page.rendered` and `page.removed`."""

from collections.abc import Awaitable, Callable

from luotdoc_events import events
from luotdoc_subscriber.base.clock import Clock
from services.render.page import Page

Emit = Callable[[events.Data, str, int, str], Awaitable[None]]
"""Publishes (data, article id, revision, event id) and waits for the confirm. Raises
`Transient`."""


class PageEvents:
    """Publishes the events of stored pages. `site` answers the site's address."""

    def __init__(self, emit: Emit, site: Callable[[], str], clock: Clock) -> None:
        self._emit, self._site, self._clock = emit, site, clock

    async def rendered(self, page: Page) -> None:
        """Publish that `page` is served. Raises `Transient`."""
        data = events.PageRendered(
            article=page.id,
            revision=page.revision,
            url=self._site() + page.path,
            etag=f"{page.revision}-{page.template}",
            template=page.template,
            rendered_at=self._clock(),
        )
        await self._emit(data, page.id, page.revision, f"{page.id}-{page.revision}-{page.template}")

    async def removed(self, page: Page, url: str) -> None:
        """Publish that the page at `url` is served no more. Raises `Transient`."""
        # The host is this service's own, as in `page.rendered`. Ingest's `url` may have another,
        # and a subscriber such as a purge of caches would not find the page.
        own = self._site() + "/" + "/".join(url.rsplit("/", 2)[1:])
        data = events.PageRemoved(
            article=page.id, revision=page.revision, url=own, removed_at=self._clock()
        )
        await self._emit(data, page.id, page.revision, f"{page.id}-{page.revision}-removed")
