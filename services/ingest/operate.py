"""ingest's commands for operators."""

import secrets
import sys
from functools import partial

import httpx
from aio_pika.exceptions import DeliveryError
from rich.console import Console
from rich.status import Status

from luotdoc_subscriber.base.clock import now
from luotdoc_subscriber.base.errors import Refused, Transient
from luotdoc_subscriber.rabbit import broker as rabbit
from services.ingest.articles.article import StoredArticle
from services.ingest.articles.changes import Decision, republish
from services.ingest.articles.reconcile import DIFFERENCES, parse_subscribers
from services.ingest.articles.reconciler import differences
from services.ingest.reads.outlet import PublishBatch
from services.ingest.reads.publisher import make_publisher
from services.ingest.reads.spool import Spool, SpoolUnusable
from services.ingest.reads.spool_folder import SpoolLocked, instances
from services.ingest.settings import IngestSettings
from services.ingest.store import ArticleStore
from services.ingest.tokens import digest_of_token
from shared.base.errors import Problem
from shared.rabbit.declaring import declare_own
from shared.storage import mongo

MAX_LINES = 50
"""Upper bound for the differences printed per subscriber."""


async def republish_articles(settings: IngestSettings, ids: list[str]) -> int:
    """PublishBatch public articles again under a new revision. Answers the exit status."""
    client, db = mongo.connect(settings.mongo_url, "ingest-republish")
    store, failed = ArticleStore(client, db, now, settings.schemas_url), 0

    def decide(current: StoredArticle | None) -> Decision:
        if current is None:
            raise Problem(404, "there is no such article")
        return republish(current, settings.base_url)

    try:
        await mongo.reach(client, "ingest")
        for article_id in ids:
            try:
                change = await store.change(article_id, decide, f"republish-{secrets.token_hex(4)}")
            except Problem as problem:
                failed += 1
                print(f"{article_id}: {problem.detail}", file=sys.stderr)
            else:
                state = change.article.state
                said = (
                    f"revision {change.article.revision}"
                    if change.changed
                    else f"is {state}, left alone"
                )
                print(f"{article_id}: {said}")
    finally:
        await mongo.close(client)
    return 1 if failed else 0


def print_token() -> None:
    """Print a new token, and its digest for the settings."""
    token = secrets.token_urlsafe(24)
    print(f"token   {token}\ndigest  {digest_of_token(token)}")


async def adopt_spool(settings: IngestSettings, instance: str) -> int:
    """Forward the orphaned spool of `instance`, under the same batch ids. Answers the exit
    status.
    """
    spool = _open_orphan(settings, instance)
    broker = rabbit.make_broker(settings, "ingest-adopt")
    try:
        await rabbit.connect_once(broker, declare_own)
    except rabbit.BROKER_ERRORS as error:
        raise Refused(
            f"RabbitMQ: {rabbit.reason_of_wait(error)}; run this again when it is up"
        ) from None
    try:
        forwarded = await _forward(spool, make_publisher(broker, settings.confirm_timeout))
    except (Transient, DeliveryError) as error:
        print(
            f"\nRabbitMQ did not take one: {error}; run this again, nothing is counted twice",
            file=sys.stderr,
        )
        return 1
    finally:
        spool.close()
        await broker.stop()
    for path, why in spool.unreadable.items():
        print(f"\n{path} cannot be read, and stays: {why}", file=sys.stderr)
    if spool.unreadable:
        return 1
    print(f"\r{forwarded} batches forwarded, the spool of {instance} is empty")
    return 0


def _open_orphan(settings: IngestSettings, instance: str) -> Spool:
    """The spool of an instance that does not run. Raises `Refused`."""
    there = [*instances(settings.spool_dir)]
    if instance not in there:
        raise Refused(
            f"there is no spool of {instance} in {settings.spool_dir}; there: "
            f"{', '.join(there) or 'none'}"
        )
    spool = Spool(settings.spool_dir / instance, settings.spool_max_bytes)
    try:
        spool.open()
    except SpoolLocked:
        raise Refused(f"{instance} is running: it forwards its spool itself") from None
    except SpoolUnusable as error:
        raise Refused(f"{error}; nothing was forwarded") from None
    return spool


async def _forward(spool: Spool, publish: PublishBatch) -> int:
    """PublishBatch each batch and delete each segment after it. Answers the number of batches."""
    forwarded = 0
    for segment in spool.segments():
        for batch in spool.read(segment):
            await publish(batch)
            forwarded += 1
            print(f"\r{forwarded} batches forwarded", end="", flush=True)
        spool.forget(segment)
    return forwarded


async def reconcile_subscribers(settings: IngestSettings, given: list[str]) -> int:
    """Compare subscribers with the articles: those `given`, else those of the settings.

    Answers the exit status: 0 if all agree with the articles, 1 with differences, 2 if one can't be
    compared. Raises ValueError if `given` is malformed, or there are no subscribers to compare.
    """
    subscribers = parse_subscribers(",".join(given)) if given else settings.reconcile
    if not subscribers:
        raise ValueError(
            "name subscribers, as in render=http://127.0.0.1:8000/state, or set LUOTDOC_RECONCILE"
        )
    client, db = mongo.connect(settings.mongo_url, "ingest-reconcile")
    store, status = ArticleStore(client, db, now, settings.schemas_url), 0
    async with httpx.AsyncClient() as http:
        for name, url in subscribers:
            try:
                with Console(stderr=True).status(f"comparing {name}") as line:
                    found = await differences(store, http, url, partial(_show, line, name))
            except (Refused, Transient) as error:
                print(f"{name}: {error}", file=sys.stderr)
                status = 2
                continue
            print(
                f"{name}: "
                + ", ".join(
                    f"{sum(each.kind == kind for each in found)} {kind}" for kind in DIFFERENCES
                )
            )
            for each in found[:MAX_LINES]:
                print(f"  {each}")
            if len(found) > MAX_LINES:
                print(f"  and {len(found) - MAX_LINES:,} more")
            status = max(status, 1 if found else 0)
    await mongo.close(client)
    return status


def _show(line: Status, name: str, article_id: str) -> None:
    line.update(f"comparing {name}: {article_id}")
