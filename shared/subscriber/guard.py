"""The guard against older events: the highest revision of each subject, tombstones included.

Events of an article come in order, but one may be repeated after a newer one, and one that is tried again, redriven
from a parked queue or replayed comes after those that it let pass, perhaps weeks and restarts later. Each carries full
state, so what is older than something handled is dropped. A subscriber chooses its guard:

- `OnDisk`, whenever it keeps state: the memory outlives the process. One process per file.
- `Newest`, if an effect that is repeated or out of date does no harm, such as a cache's purge.
- `Unguarded`, if the handler's own compare-and-swap refuses what is older, in one transaction with the effect. That
  serves several replicas, too.
"""

import asyncio
import sqlite3
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

from luotdoc_events.events import Envelope
from shared.base.errors import Transient

CAPACITY = 100_000
"""Subjects that `Newest` remembers, of about 200 bytes."""

LOCKED_SECONDS = 15.0
"""A process that is told to end has 10 s; so long its file may be locked for the next one."""


class Guard(Protocol):
    """Remembers what was handled, for one or several queues."""

    async def held(self, subject: str) -> int:
        """The highest revision handled of `subject`, 0 if none is known."""

    async def keep(self, subject: str, revision: int) -> None:
        """Remember that `revision` of `subject` was handled."""


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
    ON CONFLICT (subject) DO UPDATE SET revision = excluded.revision WHERE revision < excluded.revision"""


class OnDisk:
    """A guard in a file of SQLite, on a local disk that lives as long as what the subscriber keeps.

    What is kept is fsynced, and never forgotten, since an old event may come at any time: some 50 bytes a subject.
    """

    def __init__(self, path: str | Path) -> None:
        """Raises `sqlite3.OperationalError` when the file can't be opened, or stays another process's."""
        # A thread of its own: an fsync may take long.
        self._thread = ThreadPoolExecutor(1, "guard")
        try:
            self._file = sqlite3.connect(path, LOCKED_SECONDS, isolation_level=None, check_same_thread=False)
            self._file.executescript(_OPEN)
        except sqlite3.OperationalError as error:
            error.add_note(f"the guard's file is {path}; one process may use it, and no other meanwhile")
            raise

    async def held(self, subject: str) -> int:
        """As the protocol says. Raises `Transient` when the disk fails, as `keep` does."""
        row = await self._run(_HELD, subject)
        return row[0] if row else 0

    async def keep(self, subject: str, revision: int) -> None:
        """As the protocol says."""
        await self._run(_KEEP, subject, revision)

    async def _run(self, statement: str, *values: str | int) -> tuple[int] | None:
        def run() -> tuple[int] | None:
            row: tuple[int] | None = self._file.execute(statement, values).fetchone()
            return row

        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, run)
        except sqlite3.OperationalError as error:
            raise Transient(f"the guard's file: {error}") from error

    def close(self) -> None:
        """Let another have the file. The end of the process does the same."""
        self._thread.shutdown()
        self._file.close()


class Newest:
    """A guard in memory: forgets with the process, and beyond `capacity` the subjects not heard of for longest.

    What is older than something forgotten is handled again, so it may bring back what was withdrawn.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._held: OrderedDict[str, int] = OrderedDict()

    async def held(self, subject: str) -> int:
        """As the protocol says."""
        return self._held.get(subject, 0)

    async def keep(self, subject: str, revision: int) -> None:
        """As the protocol says."""
        self._held[subject] = max(revision, self._held.get(subject, 0))
        self._held.move_to_end(subject)
        if len(self._held) > self._capacity:
            self._held.popitem(last=False)


class Unguarded:
    """No guard: the handler's own compare-and-swap refuses what is older, and it answers False then."""

    async def held(self, subject: str) -> int:
        """Nothing is known."""
        return 0

    async def keep(self, subject: str, revision: int) -> None:
        """Nothing is kept."""


def subject_of(event: Envelope) -> str:
    """What revisions count for: an article and its page have the same ones, and don't outdate each other."""
    return f"{event.name.partition('.')[0]}/{event.subject}"


def outdated(event: Envelope, held: int, replay: bool) -> bool:
    """Whether `event` says nothing new to somebody who holds revision `held`.

    A page is told again under the same revision when its template has changed, and a replay is asked for.
    """
    if event.sequence is None or event.subject is None:
        return False
    revision = int(event.sequence)
    again = replay or event.name.startswith("page.")
    return revision < held or (revision == held and not again)
