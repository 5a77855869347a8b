"""MongoDB: the client, transactions, and every collection with its indexes and expiry."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from urllib.parse import urlsplit

from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorClientSession, AsyncIOMotorDatabase
from pymongo import ASCENDING, DESCENDING, IndexModel, WriteConcern
from pymongo.errors import OperationFailure, PyMongoError
from pymongo.read_concern import ReadConcern

from shared.base.errors import Refused
from shared.base.plainly import lacking, refusal
from shared.rabbit.batch import COUNTED_HOURS

log = logging.getLogger(__name__)

Document = dict[str, Any]
Client = AsyncIOMotorClient[Document]
Database = AsyncIOMotorDatabase[Document]
Session = AsyncIOMotorClientSession
T = TypeVar("T")

VERSION = 1
"""`v` of every document: the version of the shape that this code writes."""

ANSWER_SECONDS = 20
"""Timeout for an answer, for a server that has frozen."""

ABANDONED_SECONDS = 1.0
"""A transaction that was idle for so long is abandoned: ours take milliseconds between two
steps."""

AGAIN_SECONDS = 60.0
"""Interval at which a reason for waiting is logged again."""

REPEAT_SECONDS = 120.0
"""Time for which a transaction is repeated after transient errors, as in MongoDB's drivers."""

LEDGER_HOURS = COUNTED_HOURS + 1
SALT_HOURS = 48
KEY_HOURS = LEDGER_HOURS + 24
"""Longer than the ledger:
a repetition carries the time of the key's first request, so a late one is refused."""

INDEXES: dict[str, list[IndexModel]] = {
    # ingest
    "articles": [
        IndexModel([("section", ASCENDING), ("published_at", DESCENDING), ("_id", ASCENDING)]),
        IndexModel([("published_at", DESCENDING), ("_id", ASCENDING)]),
        IndexModel([("state", ASCENDING), ("published_at", ASCENDING)]),
        IndexModel([("modified_at", ASCENDING), ("_id", ASCENDING)]),
    ],
    "outbox": [
        IndexModel([("article", ASCENDING), ("revision", ASCENDING)]),
        IndexModel([("created_at", ASCENDING)]),
    ],
    "media": [],
    "read_keys": [IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0)],
    "salts": [IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0)],
    # render
    "pages": [
        IndexModel([("state", ASCENDING), ("section", ASCENDING), ("published_at", DESCENDING), ("_id", DESCENDING)]),
        IndexModel([("state", ASCENDING), ("published_at", DESCENDING), ("_id", DESCENDING)]),
        IndexModel([("baseline", ASCENDING)]),
    ],
    # counter; `shared/storage/counts.py` has the fields
    "counts": [IndexModel([("article", ASCENDING)])],
    "buckets": [
        IndexModel([("article", ASCENDING), ("day", ASCENDING)]),
        IndexModel([("day", ASCENDING)]),
    ],
    "ledger": [IndexModel([("counted_at", ASCENDING)], expireAfterSeconds=LEDGER_HOURS * 3600)],
    "books": [IndexModel([("last_minted_at", DESCENDING)])],
    "parked": [IndexModel([("epoch", ASCENDING)])],
    "slots": [],
    # stats
    "catalogue": [IndexModel([("baseline", ASCENDING)])],
}
"""Every collection with its indexes, under the service that is its only writer.
TTL indexes delete documents."""


def connect(mongo_url: str, service: str) -> tuple[Client, Database]:
    """A client with majority writes and aware UTC datetimes, and the database named in `mongo_url`."""
    client: Client = AsyncIOMotorClient(
        mongo_url,
        tz_aware=True,
        w="majority",
        appname=f"luotdoc-{service}",
        serverSelectionTimeoutMS=5000,
        timeoutMS=None,
        connectTimeoutMS=5000,
        socketTimeoutMS=ANSWER_SECONDS * 1000,
    )
    return client, client.get_default_database()


async def close(client: Client) -> None:
    """Wait for detached transactions, at most a server's timeout, then close `client`."""
    if _LEFT:
        await asyncio.wait(_LEFT, timeout=ANSWER_SECONDS + 1)
    # In a thread: `close` ends the sessions at the server, and waits for its answer.
    await asyncio.to_thread(client.close)


async def ping(client: Client) -> None:
    """Return if the server answers and supports sessions. Raises PyMongo's errors otherwise."""
    async with await client.start_session() as session:
        await client.admin.command("ping", session=session)


async def reach(client: Client) -> None:
    """Return if the server answers and the user has its rights; for commands, which must not wait.

    Raises `Refused`, or PyMongo's errors, within seconds.
    """
    await ping(client)
    await _check_rights(client)


async def wait_for(client: Client, mongo_url: str) -> None:
    """Wait until a primary answers and the user has the rights it needs.
    Logs the reason, again each minute.

    Raises `Refused` for faults that waiting can't mend:
    a wrong password, missing rights, a wrong replica set.
    """
    told, told_at = "", 0.0
    where = urlsplit(mongo_url).netloc.rpartition("@")[2]
    while True:
        try:
            await _find_primary(mongo_url)
            await reach(client)
        except PyMongoError as error:
            if told_plainly := refusal(error):
                raise told_plainly from None
            reason = str(error).split(",", 1)[0]
            if reason != told or time.monotonic() - told_at > AGAIN_SECONDS:
                log.warning("waiting for MongoDB at %s: %s", where, reason)
                told_at = time.monotonic()
            told = reason
            await asyncio.sleep(0.5)
        else:
            log.info("MongoDB: connected")
            return


async def _check_rights(client: Client) -> None:
    """Raises `Refused` if the user may not read and write the database,
    PyMongo's errors if it must log in.
    """
    db = client.get_default_database()
    login = (await db.command("connectionStatus", showPrivileges=True))["authInfo"]
    if missing := lacking(login, db.name):
        user = login["authenticatedUsers"][0]["user"]
        raise Refused(f"MongoDB: {user} {missing} in the database {db.name}: grant it the role readWrite there")
    await db.articles.find_one({}, {"_id": True})


async def _find_primary(mongo_url: str) -> None:
    """Return if a primary answers. Raises PyMongo's errors otherwise.

    Uses a client of its own: a direct connection that is opened while the replica set is being
    initiated never supports sessions, however long it lives.
    """
    client: Client = AsyncIOMotorClient(
        mongo_url, serverSelectionTimeoutMS=5000, connectTimeoutMS=5000, socketTimeoutMS=5000
    )
    try:
        hello = await client.admin.command("hello")
        if not hello.get("isWritablePrimary"):
            raise PyMongoError("the server is not a primary")
        if "setName" not in hello and hello.get("msg") != "isdbgrid":
            raise Refused("MongoDB is no replica set: start mongod with --replSet NAME, and run rs.initiate() once")
    finally:
        client.close()


async def end_abandoned(client: Client) -> int:
    """End transactions of our services that were idle for a second. Answers how many.

    A killed process leaves its transaction open, and the documents that it wrote stay locked for 60
    to 90 s. If the process was only frozen, nothing is lost: it runs its transaction again.
    """
    idle = {
        "type": "idleSession",
        "appName": {"$regex": "^luotdoc-"},
        "transaction.timeInactiveMicros": {"$gt": ABANDONED_SECONDS * 1e6},
    }
    pipeline: list[Document] = [{"$currentOp": {"idleSessions": True}}, {"$match": idle}, {"$project": {"lsid": 1}}]
    found = await client.admin.aggregate(pipeline).to_list(None)
    if found:
        await client.admin.command("killSessions", [{"id": session["lsid"]["id"]} for session in found])
        log.warning("%d abandoned transactions were ended", len(found))
    return len(found)


async def transaction(client: Client, body: Callable[[Session], Coroutine[Any, Any, T]]) -> T:
    """Run `body(session)` in one snapshot transaction with majority commit, and answer its result.

    `body` runs again after a transient error. The commit alone is repeated while its outcome is
    unknown. After a second of repetitions abandoned transactions of other processes are ended.

    A cancelled caller returns at once, even if the server is frozen; the outcome is then unknown.
    The transaction is detached, not cancelled: it goes on in the background and ends itself at its
    next step. Cancelling it would not stop the thread in which Motor writes, and a write that
    arrives after the abort is in no transaction.
    """
    left = asyncio.Event()
    running = asyncio.create_task(_transaction(client, body, left))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        left.set()
        _LEFT.add(running)
        running.add_done_callback(_ended)
        raise


_LEFT: set[asyncio.Task[Any]] = set()
"""Detached transactions: their callers were cancelled.
The set keeps the tasks alive; the event loop doesn't."""


class _Left(Exception):
    """Ends a detached transaction: its caller was cancelled."""


def _ended(running: asyncio.Task[Any]) -> None:
    _LEFT.discard(running)
    if not running.cancelled() and (error := running.exception()) and not isinstance(error, _Left):
        log.info("a detached transaction failed: %s", str(error)[:200])


async def _transaction(client: Client, body: Callable[[Session], Coroutine[Any, Any, T]], left: asyncio.Event) -> T:
    # Not Motor's `with_transaction`:
    # it commits on leaving an `async with`, outside of its own retries.
    deadline = time.monotonic() + REPEAT_SECONDS
    look_at = time.monotonic() + ABANDONED_SECONDS

    async def attempt(session: Session) -> T:
        nonlocal look_at
        if left.is_set():
            raise _Left
        if time.monotonic() > look_at:
            look_at = time.monotonic() + ABANDONED_SECONDS
            try:
                await end_abandoned(client)
            except OperationFailure as error:  # the user may not list them; MongoDB ends them later
                log.warning("abandoned transactions cannot be ended: %s", str(error)[:200])
        answer = await body(session)
        if left.is_set():
            raise _Left
        return answer

    session = await client.start_session()
    try:
        while True:
            session.start_transaction(ReadConcern("snapshot"), WriteConcern("majority"))
            try:
                answer = await attempt(session)
            except Exception as error:
                if session.in_transaction:  # type: ignore[truthy-function]
                    await session.abort_transaction()
                if not _labelled(error, "TransientTransactionError", deadline):
                    raise
            else:
                if await _committed(session, left, deadline):
                    return answer
    finally:
        # Not `async with`: there Motor waits for the server in the event loop's thread,
        # 15 s if the server is frozen.
        await session.end_session()


async def _committed(session: Session, left: asyncio.Event, deadline: float) -> bool:
    """Commit, and repeat the commit while its outcome is unknown.
    False if the transaction must run again.
    """
    while True:
        try:
            await session.commit_transaction()
        except PyMongoError as error:
            if _labelled(error, "TransientTransactionError", deadline):
                return False
            if left.is_set() or not _labelled(error, "UnknownTransactionCommitResult", deadline):
                raise
        else:
            return True


def _labelled(error: Exception, label: str, deadline: float) -> bool:
    return isinstance(error, PyMongoError) and error.has_error_label(label) and time.monotonic() < deadline


@asynccontextmanager
async def snapshot(client: Client) -> AsyncIterator[Session]:
    """A read-only session whose reads all see one moment, the latest that a majority has."""
    async with await client.start_session(snapshot=True) as session:
        yield session


async def make_indexes(db: Database) -> None:
    """Create every missing collection and index, and update a changed expiry."""
    present = await db.list_collection_names()
    for name, indexes in INDEXES.items():
        if name not in present:
            try:
                await db.create_collection(name)
            except OperationFailure as error:
                if error.code != 48:  # NamespaceExists: another process was faster
                    raise
        for index in indexes:
            await _make_index(db, name, index)


async def _make_index(db: Database, collection: str, index: IndexModel) -> None:
    try:
        await db[collection].create_indexes([index])
    except OperationFailure as error:
        if error.code != 85 or "expireAfterSeconds" not in index.document:  # IndexOptionsConflict
            raise
        await db.command(
            "collMod",
            collection,
            index={
                "name": index.document["name"],
                "expireAfterSeconds": index.document["expireAfterSeconds"],
            },
        )
