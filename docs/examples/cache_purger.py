"""A subscriber that purges each changed page from an HTTP cache.

    LUOTDOC_AMQP_URL=amqp://… LUOTDOC_CACHE_URL=http://varnish:6081 python cache_purger.py

It needs the packages luotdoc-subscriber and httpx. The cache gets `PURGE <path>` with the page's
host. While the cache is away, the event is retried in place. An event whose purge the cache refuses
climbs the retry ladder and is then parked.
"""

from urllib.parse import urlsplit

import httpx
from pydantic import Field

from luotdoc_events.events import PageRemoved, PageRendered
from luotdoc_subscriber import (
    Command,
    Event,
    HttpUrl,
    InMemory,
    Retry,
    SubscriberSettings,
    Transient,
    load,
    make_broker,
    run,
    subscribe,
)


class Settings(SubscriberSettings):
    """Settings from the environment."""

    cache_url: HttpUrl = Field(description="the cache, such as http://varnish:6081")


Command(prog="cache_purger.py", description=__doc__, settings=Settings).parse_args()
settings = load(Settings)
broker = make_broker(settings, "cache-purger")
cache = httpx.AsyncClient(base_url=settings.cache_url, timeout=5)


@subscribe(broker, "cache-purger.pages", guard=InMemory())
async def purge(event: Event[PageRendered | PageRemoved]) -> None:
    """Purge one page. The event arrives after the new page is served or the old one removed;
    purging is idempotent.
    """
    page = urlsplit(event.data.url)
    try:
        answer = await cache.request("PURGE", page.path, headers={"host": page.netloc})
    except httpx.TransportError as error:
        raise Transient(f"the cache is away: {error!r}") from error
    if answer.is_error and answer.status_code != 404:  # 404: the page was not in the cache
        raise Retry("not_purged", f"{answer.status_code} for {event.data.url}")


run(settings, broker)
