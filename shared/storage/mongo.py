"""The client of MongoDB: connecting, waiting for the server, closing."""

import asyncio
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo.errors import PyMongoError

from luotdoc_subscriber.base.errors import Refused, Transient
from luotdoc_subscriber.base.tracing import UNTRACED, Tracer
from shared.storage.collections import missing_from
from shared.storage.command_spans import CommandSpans
from shared.storage.errors import translated
from shared.storage.refusals import SESSIONLESS, lacking, refusal
from shared.storage.transactions import detached
from shared.storage.types import Client, MongoDatabase

log = logging.getLogger(__name__)


ANSWER_SECONDS = 20
"""Timeout for an answer, for a server that has frozen."""


SESSIONLESS_SECONDS = 10.0
"""A connection keeps what the server said at its start: if that was too early, waiting is vain."""
AGAIN_SECONDS = 60.0
"""Interval at which a reason for waiting is logged again."""


def connect(
    mongo_url: str, service: str, tracer: Tracer = UNTRACED
) -> tuple[Client, MongoDatabase]:
    """A client with majority writes and aware UTC datetimes, and the database named in
    `mongo_url`. Its commands are spans of `tracer`.
    """
    client: Client = AsyncIOMotorClient(
        mongo_url,
        tz_aware=True,
        w="majority",
        appname=f"luotdoc-{service}",
        serverSelectionTimeoutMS=5000,
        timeoutMS=None,
        connectTimeoutMS=5000,
        socketTimeoutMS=ANSWER_SECONDS * 1000,
        event_listeners=[CommandSpans(tracer)] if tracer.on else [],
    )
    return client, client.get_default_database()


async def close(client: Client) -> None:
    """Wait for detached transactions, at most a server's timeout, then close `client`."""
    await detached(ANSWER_SECONDS + 1)
    # In a thread: `close` ends the sessions at the server, and waits for its answer.
    await asyncio.to_thread(client.close)


async def ping(client: Client) -> None:
    """Return if the server answers and supports sessions. Raises `Transient` otherwise."""
    with translated():
        async with await client.start_session() as session:
            await client.admin.command("ping", session=session)


async def reach(client: Client, service: str) -> None:
    """Return if the server answers and the user has the rights of `service`; for commands, which
    must not wait.

    Raises `Refused` within seconds otherwise.
    """
    try:
        with _judged():
            await _look(client, service)
    except Transient as error:
        raise Refused(f"{error}: is it up, at the address of LUOTDOC_MONGO_URL?") from error


@contextmanager
def _judged() -> Iterator[None]:
    """Raise `Refused` for a fault that an operator must correct, `Transient` for one that may end
    by itself.
    """
    try:
        with translated():
            yield
    except Transient as error:
        told = refusal(error.__cause__) if error.__cause__ else None
        raise told or error from error.__cause__


async def wait_for(client: Client, mongo_url: str, service: str, *, set_up: bool = False) -> None:
    """Wait until a primary answers and the user has the rights of `service`. Logs the reason, again
    each minute.

    With `set_up` also wait for every collection and index of this release. A service must not work
    before: during an upgrade it may start sooner than the new release's setup.

    Raises `Refused` for faults that waiting can't mend:
    a wrong password, missing rights, a wrong replica set.
    """
    told, told_at = "", 0.0
    sessionless_since: float | None = None
    where = urlsplit(mongo_url).netloc.rpartition("@")[2]
    while True:
        try:
            with _judged():
                await _find_primary(mongo_url)
                await _look(client, service)
                if set_up and (missing := await missing_from(client.get_default_database())):
                    raise Transient(f"it has no {missing}; has `python -m shared.setup` run?")
        except Transient as error:
            if SESSIONLESS not in str(error):
                sessionless_since = None
            elif sessionless_since is None:
                sessionless_since = time.monotonic()
            elif time.monotonic() - sessionless_since > SESSIONLESS_SECONDS:
                raise Refused(
                    "MongoDB answers, but this process has connections from before the server "
                    "knew its replica set: start it again"
                ) from error
            reason = str(error).removeprefix("MongoDB: ").split(",", 1)[0]
            if reason != told or time.monotonic() - told_at > AGAIN_SECONDS:
                log.warning("waiting for MongoDB at %s: %s", where, reason)
                told_at = time.monotonic()
            told = reason
            await asyncio.sleep(0.5)
        else:
            log.info("MongoDB: connected")
            return


async def _look(client: Client, service: str) -> None:
    """Return if the server answers and the user has the rights of `service`. Raises `Refused`
    without the rights, PyMongo's errors without an answer or a login.
    """
    await ping(client)
    db = client.get_default_database()
    login = (await db.command("connectionStatus", showPrivileges=True))["authInfo"]
    if missing := lacking(login, db.name, service):
        user = login["authenticatedUsers"][0]["user"]
        raise Refused(
            f"MongoDB: {user} {missing} in the database {db.name}: grant it the role {service} of "
            "deploy/mongodb/roles.json there"
        )
    # Any role of ours may do this. Without a login a server that wants one refuses it.
    await db.list_collection_names(authorizedCollections=True, nameOnly=True)


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
            raise Refused(
                "MongoDB is no replica set: start mongod with --replSet NAME, and run "
                "rs.initiate() once"
            )
    finally:
        client.close()
