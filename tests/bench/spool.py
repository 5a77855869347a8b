"""The spool beside SQLite on the same disk: what a durable batch costs, and forwarding it. No
server is asked.
"""

import sqlite3
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from services.ingest.reads.grouping import grouped
from services.ingest.reads.spool import Spool
from shared.rabbit.batch import Batch, batch_id
from tests.bench.figures import Figure, at, middle, number, spread
from tests.bench.rig import Rig
from tests.bench.wire import MINTED, reads

NAME = "spool"
READS = 40
"""Reads in a batch, as many as at half load."""
GROUP = 20
"""Batches in one transaction of a group commit."""
FORWARDED_AT_ONCE = 100


class Store(Protocol):
    """Durable batches on disk."""

    group: int
    """Batches that one `append` takes."""

    def append(self, batches: Sequence[Batch]) -> None:
        """Return once all are durable."""

    def forward(self) -> int:
        """Read and delete all batches; answers how many there were."""

    def close(self) -> None:
        """Close the files."""


class OurSpool:
    """Ingest's spool: one fdatasync a batch."""

    group = 1

    def __init__(self, folder: Path) -> None:
        self._spool = Spool(folder, 1 << 30)
        self._spool.open()

    def append(self, batches: Sequence[Batch]) -> None:
        """Append them one by one."""
        for batch in batches:
            self._spool.append(batch)

    def forward(self) -> int:
        """Segment by segment, oldest first."""
        found = 0
        while segments := self._spool.segments():
            for segment in segments:
                found += len(self._spool.read(segment))
                self._spool.forget(segment)
        return found

    def close(self) -> None:
        """Close the spool."""
        self._spool.close()


class Sqlite:
    """A table in SQLite: WAL, synchronous=FULL, one transaction an `append`."""

    def __init__(self, folder: Path, group: int) -> None:
        self.group = group
        self._db = sqlite3.connect(folder / "spool.sqlite", isolation_level=None)
        for line in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL"):
            self._db.execute(line)
        self._db.execute(
            "CREATE TABLE batches (id TEXT PRIMARY KEY, minted INTEGER, reads INTEGER, body BLOB)"
            " WITHOUT ROWID"
        )

    def append(self, batches: Sequence[Batch]) -> None:
        """Insert them in one transaction."""
        rows = [(b.batch_id, b.minted_at, b.reads, b.body()) for b in batches]
        self._db.execute("BEGIN IMMEDIATE")
        self._db.executemany("INSERT INTO batches VALUES (?, ?, ?, ?)", rows)
        self._db.execute("COMMIT")

    def forward(self) -> int:
        """In parts, oldest first, each deleted in one transaction."""
        found = 0
        while rows := self._db.execute(
            "SELECT id, minted, reads, body FROM batches ORDER BY id LIMIT ?", (FORWARDED_AT_ONCE,)
        ).fetchall():
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute("DELETE FROM batches WHERE id <= ?", (rows[-1][0],))
            self._db.execute("COMMIT")
            found += len(rows)
        return found

    def close(self) -> None:
        """Close the database."""
        self._db.close()


STORES: dict[str, Callable[[Path], Store]] = {
    "the spool": OurSpool,
    "SQLite, a transaction a batch": lambda folder: Sqlite(folder, 1),
    f"SQLite, a transaction for {GROUP} batches": lambda folder: Sqlite(folder, GROUP),
}


def _measured(make: Callable[[Path], Store], batches: Sequence[Batch]) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix=".bench-spool-", dir=Path.cwd()) as name:
        folder, took = Path(name), list[float]()
        store = make(folder)
        cpu, began = time.process_time(), time.perf_counter()
        for start in range(0, len(batches), store.group):
            each = time.perf_counter()
            store.append(batches[start : start + store.group])
            took.append((time.perf_counter() - each) * 1000)
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
        size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        began = time.perf_counter()
        if store.forward() != len(batches):
            raise RuntimeError("batches are missing")
        forwarding = time.perf_counter() - began
        left = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        store.close()
    took.sort()
    return {
        "durable batches": len(batches) / seconds,
        "until durable, median": at(took, 0.5),
        "until durable, p99": at(took, 0.99),
        "CPU of a durable batch": cpu / len(batches) * 1e6,
        "bytes on disk": size / len(batches),
        "bytes left after forwarding": left / 1024,
        "read and deleted": len(batches) / forwarding,
    }


UNITS = {
    "durable batches": "/s",
    "until durable, median": "ms",
    "until durable, p99": "ms",
    "CPU of a durable batch": "µs",
    "bytes on disk": "B/batch",
    "bytes left after forwarding": "KiB",
    "read and deleted": "batches/s",
}


def figures(rounds: int, size: int) -> list[Figure]:
    """The stores take turns, in the folder that the bench is started in."""
    groups, hashes, sources, _ = grouped(reads(READS))
    batches = [Batch(batch_id("bench", n), MINTED, groups, hashes, sources) for n in range(size)]
    found: dict[str, list[dict[str, float]]] = {name: [] for name in STORES}
    for _ in range(rounds):
        for name, make in STORES.items():
            found[name].append(_measured(make, batches))
    note = f"{number(size)} batches of {READS} reads"
    return [
        Figure(
            NAME, f"{name}: {what}", middle(values), unit, note=f"{note}; rounds {spread(values)}"
        )
        for name, each in found.items()
        for what, unit in UNITS.items()
        for values in [[one[what] for one in each]]
    ]


async def measure(rig: Rig) -> list[Figure]:
    """What a durable batch costs, by store."""
    return figures(*((1, 200) if rig.quick else (3, 500)))
