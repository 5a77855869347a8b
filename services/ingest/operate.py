"""ingest's commands for operators."""

import secrets
import sys

from aio_pika.exceptions import DeliveryError

from services.ingest.app import make_publisher
from services.ingest.article import Article, Change, republish
from services.ingest.settings import IngestSettings
from services.ingest.spool import Spool, SpoolLocked, instances
from services.ingest.store import ArticleStore
from services.ingest.tokens import digest_of
from shared import broker as rabbit
from shared import mongo
from shared.clock import now
from shared.errors import Problem, Transient


async def republish_articles(settings: IngestSettings, ids: list[str]) -> int:
    """Send public articles again under a new revision; answers the exit status."""
    client, db = mongo.connect(settings.mongo_url, "ingest-republish")
    store, failed = ArticleStore(client, db, now, settings.schemas_url), 0

    def decide(current: Article | None) -> Change:
        if current is None:
            raise Problem(404, "there is no such article")
        return republish(current, settings.base_url)

    for article_id in ids:
        try:
            change = await store.change(article_id, decide, f"republish-{secrets.token_hex(4)}")
        except Problem as problem:
            failed += 1
            print(f"{article_id}: {problem.detail}", file=sys.stderr)
        else:
            said = f"revision {change.article.revision}" if change.changed else f"is {change.article.state}, left alone"
            print(f"{article_id}: {said}")
    client.close()
    return 1 if failed else 0


def print_token() -> None:
    """Make a token; print it with the digest that goes into the settings."""
    token = secrets.token_urlsafe(24)
    print(f"token   {token}\ndigest  {digest_of(token)}")


async def adopt_spool(settings: IngestSettings, instance: str) -> int:
    """Forward the spool of an instance that will not come back, under the same batch ids; answers the exit status."""
    if instance not in set(instances(settings.spool_dir)):
        there = ", ".join(instances(settings.spool_dir)) or "none"
        print(f"there is no spool of {instance} in {settings.spool_dir}; there: {there}", file=sys.stderr)
        return 1
    spool = Spool(settings.spool_dir / instance, settings.spool_max_bytes)
    try:
        spool.open()
    except SpoolLocked:
        print(f"{instance} is running: it forwards its spool itself", file=sys.stderr)
        return 1
    broker = rabbit.make_broker(settings, "ingest-adopt")
    await rabbit.connect(broker, settings.amqp_url)
    publish, forwarded = make_publisher(broker, settings.confirm_timeout), 0
    try:
        for segment in spool.segments():
            for batch in spool.read(segment):
                await publish(batch)
                forwarded += 1
                print(f"\r{forwarded} batches forwarded", end="", flush=True)
            spool.forget(segment)
    except (Transient, DeliveryError) as error:
        print(f"\nRabbitMQ did not take one: {error}; run this again, nothing is counted twice", file=sys.stderr)
        return 1
    finally:
        spool.close()
        await broker.stop()
    print(f"\r{forwarded} batches forwarded, the spool of {instance} is empty")
    return 0
