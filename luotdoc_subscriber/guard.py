"""The guard against older events: it remembers the highest handled revision of each subject.

An article's events arrive in order, with exceptions: an older event may be repeated, or arrive late
because it was retried, redriven or replayed, perhaps weeks later. Events carry full state, so an
event that is older than a handled one can be dropped. Tombstones count as handled revisions.

A subscriber chooses its guard:

- `OnDisk` if the subscriber stores state. The guard's file outlives the process. One process per
  file.
- `InMemory` if the effect is idempotent, such as a cache purge: it forgets at a restart.
- `Unguarded` if the handler's own compare-and-swap drops older events, in one transaction with the
  effect. It is the only choice for several replicas.
- None if an older or repeated event does no harm, as in a log. The handler gets every event.
"""

import asyncio
import sqlite3
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

from luotdoc_events.events import Envelope
from luotdoc_subscriber.base.errors import Transient

CAPACITY = 100_000
"""Number of subjects that `InMemory` remembers, about 200 bytes each."""

LOCKED_SECONDS = 15.0
"""Time to wait for the file's lock: the previous process has 10 s to end after SIGTERM."""


class Guard(Protocol):
    """Remembers the highest handled revisions, for one or several queues."""

    async def held(self, subject: str) -> int:
        """The highest handled revision of `subject`, 0 if none is known."""

    async def keep(self, subject: str, revision: int) -> None:
        """Remember that `revision` of `subject` was handled;
        a lower one than before changes nothing.
        """


_OPEN = """
PRAGMA locking_mode = EXCLUSIVE;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
BEGIN EXCLUSIVE;
CREATE TABLE IF NOT EXISTS held (subject TEXT PRIMARY KEY, revision INTEGER NOT NULL) WITHOUT ROWID;
COMMIT;
"""
_HELD = "SELECT revision FROM held WHERE subject = ?"
_KEEP = """INSERT INTO held VALUES (?, ?)
    ON CONFLICT (subject) DO UPDATE SET revision = excluded.revision
    WHERE revision < excluded.revision"""

_REMEDY = (
    "stop the subscriber, delete the guard's file and the state that it guards, start again and "
    "have everything replayed"
)


class OnDisk:
    """A guard in an SQLite file,
    which must be on a local disk and live as long as the subscriber's state.

    Each revision is fsynced and never forgotten, because an old event may arrive at any time.
    A subject takes about 50 bytes.
    """

    def __init__(self, path: str | Path) -> None:
        """Raises `sqlite3.OperationalError` if the file can't be opened,
        or another process keeps its lock; `sqlite3.DatabaseError` if it is no guard's file.
        """
        # A thread of its own: an fsync would block the event loop.
        self._thread = ThreadPoolExecutor(1, "guard")
        try:
            self._file = sqlite3.connect(
                path, LOCKED_SECONDS, isolation_level=None, check_same_thread=False
            )
            self._file.executescript(_OPEN)
        except sqlite3.OperationalError as error:
            error.add_note(
                f"the guard's file is {path}; one process may use it, and no other meanwhile"
            )
            raise
        except sqlite3.DatabaseError as error:
            error.add_note(f"the guard's file {path} is damaged or another program's: {_REMEDY}")
            raise

    async def held(self, subject: str) -> int:
        """The highest handled revision of `subject`, 0 if none is known.
        Raises `Transient` if the disk fails.
        """
        row = await self._run(_HELD, subject)
        return row[0] if row else 0

    async def keep(self, subject: str, revision: int) -> None:
        """Store that `revision` of `subject` was handled, fsynced.
        Raises `Transient` if the disk fails.
        """
        await self._run(_KEEP, subject, revision)

    async def _run(self, statement: str, *values: str | int) -> tuple[int] | None:
        def run() -> tuple[int] | None:
            row: tuple[int] | None = self._file.execute(statement, values).fetchone()
            return row

        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, run)
        except sqlite3.OperationalError as error:
            raise Transient(f"the guard's file: {error}") from error
        except sqlite3.DatabaseError as error:
            # Not the event's fault: as a bug it would park every event.
            raise Transient(f"the guard's file is damaged: {error}; {_REMEDY}") from error

    def close(self) -> None:
        """Close the file, so that another process may open it.
        The end of the process does the same.
        """
        self._thread.shutdown()
        self._file.close()


class InMemory:
    """A guard in memory, an LRU cache of subjects:
    it forgets at a restart, and beyond `capacity` the oldest subjects.

    An event that is older than a forgotten one is handled,
    so it may bring back a withdrawn article.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._held: OrderedDict[str, int] = OrderedDict()

    async def held(self, subject: str) -> int:
        """The highest remembered revision of `subject`, 0 if none is remembered."""
        return self._held.get(subject, 0)

    async def keep(self, subject: str, revision: int) -> None:
        """Remember that `revision` of `subject` was handled."""
        self._held[subject] = max(revision, self._held.get(subject, 0))
        self._held.move_to_end(subject)
        if len(self._held) > self._capacity:
            self._held.popitem(last=False)


class Unguarded:
    """No guard: the handler drops older events by its own compare-and-swap,
    and returns False for them.
    """

    async def held(self, subject: str) -> int:
        """Always 0: every event reaches the handler."""
        return 0

    async def keep(self, subject: str, revision: int) -> None:
        """Does nothing."""


def subject_of(event: Envelope) -> str:
    """The guard's key for `event`:
    kind and article, because an article and its page share revision numbers.
    """
    return f"{event.name.partition('.')[0]}/{event.subject}"


def outdated(event: Envelope, held: int, replay: bool) -> bool:
    """True if `event` is not newer than the handled revision `held`.

    An equal revision is still new for `page.*`,
    which repeats it after a change of templates, and in a replay.
    """
    if event.sequence is None or event.subject is None:
        return False
    revision = int(event.sequence)
    again = replay or event.name.startswith("page.")
    return revision < held or (revision == held and not again)
