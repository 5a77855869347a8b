"""Transactions and snapshots. A transaction is repeated after transient errors, and never
cancelled.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from pymongo import WriteConcern
from pymongo.errors import OperationFailure, PyMongoError
from pymongo.read_concern import ReadConcern

from luotdoc_subscriber.base.errors import Transient
from shared.storage.errors import translated
from shared.storage.types import Client, Session
from shared.storage.versions import Document

log = logging.getLogger(__name__)

T = TypeVar("T")

ABANDONED_SECONDS = 1.0
"""A transaction that was idle for so long is abandoned: ours take milliseconds between two
steps."""


REPEAT_SECONDS = 120.0
"""Time for which a transaction is repeated after transient errors, as in MongoDB's drivers."""


_DETACHED: set[asyncio.Task[Any]] = set()
"""Detached transactions: their callers were cancelled.
The set keeps the tasks alive; the event loop doesn't."""


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
    pipeline: list[Document] = [
        {"$currentOp": {"idleSessions": True}},
        {"$match": idle},
        {"$project": {"lsid": 1}},
    ]
    found = await client.admin.aggregate(pipeline).to_list(None)
    if found:
        await client.admin.command(
            "killSessions", [{"id": session["lsid"]["id"]} for session in found]
        )
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
    detach = asyncio.Event()
    running = asyncio.create_task(_transaction(client, body, detach))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        detach.set()
        _DETACHED.add(running)
        running.add_done_callback(_ended)
        raise


class _Detached(Exception):
    """Ends a detached transaction: its caller was cancelled."""


def _ended(running: asyncio.Task[Any]) -> None:
    _DETACHED.discard(running)
    if (
        not running.cancelled()
        and (error := running.exception())
        and not isinstance(error, _Detached)
    ):
        log.info("a detached transaction failed: %s", str(error)[:200])


async def _transaction(
    client: Client, body: Callable[[Session], Coroutine[Any, Any, T]], detach: asyncio.Event
) -> T:
    # Not Motor's `with_transaction`:
    # it commits on leaving an `async with`, outside of its own retries.
    deadline = time.monotonic() + REPEAT_SECONDS
    look_at = time.monotonic() + ABANDONED_SECONDS
    session = await client.start_session()
    try:
        while True:
            session.start_transaction(ReadConcern("snapshot"), WriteConcern("majority"))
            try:
                _check(detach)
                if time.monotonic() > look_at:
                    look_at = time.monotonic() + ABANDONED_SECONDS
                    await _try_to_end_abandoned(client)
                answer = await body(session)
                _check(detach)
            except Exception as error:
                if session.in_transaction:  # type: ignore[truthy-function]
                    await session.abort_transaction()
                if not _labelled(error, "TransientTransactionError", deadline):
                    raise
            else:
                if await _committed(session, detach, deadline):
                    return answer
    finally:
        # Not `async with`: there Motor waits for the server in the event loop's thread,
        # 15 s if the server is frozen.
        await session.end_session()


def _check(detach: asyncio.Event) -> None:
    if detach.is_set():
        raise _Detached


async def _try_to_end_abandoned(client: Client) -> None:
    try:
        await end_abandoned(client)
    except OperationFailure as error:  # the user may not list them; MongoDB ends them later
        log.warning("abandoned transactions cannot be ended: %s", str(error)[:200])


async def _committed(session: Session, detach: asyncio.Event, deadline: float) -> bool:
    """Commit, and repeat the commit while its outcome is unknown.
    False if the transaction must run again.
    """
    while True:
        try:
            await session.commit_transaction()
        except PyMongoError as error:
            if _labelled(error, "TransientTransactionError", deadline):
                return False
            if detach.is_set() or not _labelled(error, "UnknownTransactionCommitResult", deadline):
                raise
        else:
            return True


def _labelled(error: Exception, label: str, deadline: float) -> bool:
    # A body may call a store's public method. Its error is translated and carries no labels:
    # they are its cause's. Without this such a transaction would not be repeated.
    cause = error.__cause__ if isinstance(error, Transient) else error
    return (
        isinstance(cause, PyMongoError)
        and cause.has_error_label(label)
        and time.monotonic() < deadline
    )


@asynccontextmanager
async def snapshot(client: Client) -> AsyncIterator[Session]:
    """A read-only session whose reads all see one moment, the latest that a majority has.
    Raises `Transient`.
    """
    with translated():
        async with await client.start_session(snapshot=True) as session:
            yield session


async def detached(seconds: float) -> None:
    """Wait until the detached transactions of this process have ended, at most `seconds`."""
    if _DETACHED:
        await asyncio.wait(_DETACHED, timeout=seconds)
