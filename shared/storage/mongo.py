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
"""`v` of every document: the shape that this code writes."""

ANSWER_SECONDS = 20
"""How long to wait for an answer of a server that has frozen."""

ABANDONED_SECONDS = 1.0
"""A transaction of ours takes milliseconds between two steps."""

AGAIN_SECONDS = 60.0
"""After which a wait is told again."""

REPEAT_SECONDS = 120.0
"""How long a transaction is repeated after transient errors, as drivers do."""

LEDGER_HOURS = COUNTED_HOURS + 1
SALT_HOURS = 48
KEY_HOURS = LEDGER_HOURS + 24
"""Longer than the ledger: while a key is known, its repetitions carry the first one's time; late ones are refused."""

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
"""Every collection; the owner is the only writer. An `expireAfterSeconds` is how long a document is kept."""


def connect(mongo_url: str, service: str) -> tuple[Client, Database]:
    """A client with majority writes and aware UTC times, and the database that the address names."""
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
    """Close it once the transactions that nobody waits for any more have ended, as long as an answer may take."""
    if _LEFT:
        await asyncio.wait(_LEFT, timeout=ANSWER_SECONDS + 1)
    await asyncio.to_thread(client.close)  # it tells the server which sessions end, and waits for the answer


async def ping(client: Client) -> None:
    """Return when the server answers and offers sessions; raises PyMongo's errors otherwise."""
    async with await client.start_session() as session:
        await client.admin.command("ping", session=session)


async def reach(client: Client) -> None:
    """For a command: return when the server answers and the user may work there, within seconds.

    Raises `Refused`, or PyMongo's errors.
    """
    await ping(client)
    await _check_rights(client)


async def wait_for(client: Client, mongo_url: str) -> None:
    """Return when a primary answers and the user may work there; says why it waits, again each minute.

    Raises `Refused` for what only people can mend: a wrong password, missing rights, another replica set.
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
    """Raise `Refused` when the user may not read and write the database, PyMongo's errors when it must log in."""
    db = client.get_default_database()
    login = (await db.command("connectionStatus", showPrivileges=True))["authInfo"]
    if missing := lacking(login, db.name):
        user = login["authenticatedUsers"][0]["user"]
        raise Refused(f"MongoDB: {user} {missing} in the database {db.name}: grant it the role readWrite there")
    await db.articles.find_one({}, {"_id": True})


async def _find_primary(mongo_url: str) -> None:
    """Return when a primary answers, else raise PyMongo's errors.

    It asks through a client of its own: a direct connection that is made while the replica set is being initiated
    works, but has no sessions for as long as it lives.
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
    """End our transactions that have done nothing for a second; answers how many.

    A process that is killed within a transaction leaves it open, and MongoDB lets it keep what it has written from
    others for 60 to 90 s. One that is only frozen loses nothing: it runs its transaction again.
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
        log.warning("%d transactions that somebody has left open are ended", len(found))
    return len(found)


async def transaction(client: Client, body: Callable[[Session], Coroutine[Any, Any, T]]) -> T:
    """Run `body(session)` in one snapshot transaction with majority commit.

    `body` runs again after a transient error, and the commit alone is repeated when its outcome is unknown. While it
    has to run again and again, transactions that somebody has left open are ended.

    Who is cancelled, by a time limit or a stop, leaves at once, also from a frozen server. Whether it was committed is
    unknown, then: `body` goes on beside until it notices that nobody waits. It is not cancelled itself, because that
    does not stop the thread in which Motor writes, and a write that comes behind the abort is in no transaction.
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
"""Transactions that nobody waits for any more; the event loop itself keeps no task alive."""


class _Left(Exception):
    """Nobody waits for this transaction."""


def _ended(running: asyncio.Task[Any]) -> None:
    _LEFT.discard(running)
    if not running.cancelled() and (error := running.exception()) and not isinstance(error, _Left):
        log.info("a transaction that nobody waited for any more has failed: %s", str(error)[:200])


async def _transaction(client: Client, body: Callable[[Session], Coroutine[Any, Any, T]], left: asyncio.Event) -> T:
    # Motor's own `with_transaction` commits where neither it nor the body is repeated.
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
            except OperationFailure as error:  # not allowed to look: MongoDB ends them by itself, later
                log.warning("transactions that others have left open cannot be ended: %s", str(error)[:200])
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
        # Not `async with`: Motor then waits for the server in the event loop's own thread (15 s when it is frozen).
        await session.end_session()


async def _committed(session: Session, left: asyncio.Event, deadline: float) -> bool:
    """Commit, again while the outcome is unknown; False when all of the transaction must run again."""
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
    """A session whose reads all see one moment, the latest that a majority has. For reading only."""
    async with await client.start_session(snapshot=True) as session:
        yield session


async def make_indexes(db: Database) -> None:
    """Create every collection and index that is missing; a changed expiry is brought up to date."""
    present = await db.list_collection_names()
    for name, indexes in INDEXES.items():
        if name not in present:
            try:
                await db.create_collection(name)
            except OperationFailure as error:
                if error.code != 48:  # NamespaceExists: another one was faster
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
