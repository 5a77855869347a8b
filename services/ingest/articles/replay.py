"""Replays the articles in their current state into one subscriber's queue,
for articles older than the history.
"""

import aio_pika

from luotdoc_subscriber.base.clock import now
from luotdoc_subscriber.base.errors import Refused, Transient
from services.ingest.articles.article_events import as_event
from services.ingest.settings import IngestSettings
from services.ingest.store import ArticleStore
from shared.operators.replay_command import progress
from shared.operators.target import REPLAY_BATCH, message, open_target
from shared.storage import mongo


async def replay_articles(settings: IngestSettings, queue: str, rate: float, restart: bool) -> None:
    """Send every article that was ever public, in the order of ids.
    Raises `Refused`, and aio-pika's errors.
    """
    client, db = mongo.connect(settings.mongo_url, "ingest-replay")
    store = ArticleStore(client, db, now, settings.schemas_url)
    try:
        async with await aio_pika.connect(settings.amqp_url, timeout=10) as connection:
            channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
            with progress() as bar:
                task = bar.add_task(queue, total=await store.number_ever_public())
                target = await open_target(
                    channel,
                    queue,
                    "the articles",
                    rate,
                    restart,
                    lambda line: bar.update(task, description=line or queue),
                )
                while articles := await store.ever_public(target.place.at, REPLAY_BATCH):
                    batch = [
                        message(as_event(article, settings.base_url, settings.schemas_url))
                        for article in articles
                    ]
                    await target.send(batch, articles[-1].id)
                    bar.update(task, completed=target.place.sent)
                await target.finish()
    except Transient as error:
        again = "run the same command again, it goes on where it stopped"
        raise Refused(f"{error}; {again}") from None
    finally:
        await mongo.close(client)
    print(f"{target.place.sent:,} articles sent into {queue}, marked as {target.place.name}")
