"""Replays the articles in their current state into one subscriber's queue,
for articles older than the history.
"""

from luotdoc_subscriber.base.clock import now
from luotdoc_subscriber.base.errors import Refused, Transient
from luotdoc_subscriber.base.plainly import say
from luotdoc_subscriber.base.progress import ProgressLine
from luotdoc_subscriber.commands.connection import connected
from luotdoc_subscriber.commands.target import REPLAY_AGAIN, REPLAY_BATCH, message, open_target
from services.ingest.articles.article_events import as_event
from services.ingest.settings import IngestSettings
from services.ingest.store import ArticleStore
from shared.storage import mongo


async def replay_articles(settings: IngestSettings, queue: str, rate: float, restart: bool) -> None:
    """Send every article that was ever public, in the order of ids. Raises `Refused`."""
    client, db = mongo.connect(settings.mongo_url, "ingest-replay")
    store = ArticleStore(client, db, now, settings.schemas_url)
    try:
        with ProgressLine(queue) as shown:
            async with connected(settings.amqp_url, REPLAY_AGAIN) as connection:
                total = await store.number_ever_public()
                target = await open_target(
                    connection, queue, "the articles", rate=rate, restart=restart, note=shown.note
                )
                while articles := await store.ever_public(target.place.at, REPLAY_BATCH):
                    batch = [
                        message(as_event(article, settings.base_url, settings.schemas_url))
                        for article in articles
                    ]
                    await target.send(batch, articles[-1].id)
                    shown.advance(target.place.sent, total)
                await target.finish()
    except Transient as error:
        raise Refused(f"{error}; {REPLAY_AGAIN}") from None
    finally:
        await mongo.close(client)
    say(f"{target.place.sent:,} articles sent into {queue}, marked as {target.place.name}")
