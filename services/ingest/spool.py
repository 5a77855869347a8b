"""The spool: batches on local disk while RabbitMQ is away. Append-only segments, checksummed, fsynced.

A record is `length (4 bytes) | CRC-32 (4 bytes) | payload`, a segment a run of records, its name a number that only
grows. Segments are forgotten whole, once RabbitMQ has confirmed all of their batches; a crash before that repeats
some, under the same ids, which the ledger drops. What holds something that is no whole record is kept, as `.damaged`:
the end that a crash has torn, which nobody was told to be durable, looks like damage. All methods block on the disk:
call them in a thread, one at a time.
"""

import contextlib
import errno
import fcntl
import logging
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import orjson

from shared.batch import Batch
from shared.errors import LuotdocError, Unavailable

log = logging.getLogger(__name__)

_HEAD = struct.Struct(">II")
SEGMENT_BYTES = 1 << 20


class SpoolFull(Unavailable):
    """The size limit is reached, or the disk took no more."""


class SpoolLocked(LuotdocError):
    """Another process uses this folder."""


def encode(batch: Batch) -> bytes:
    """A batch as one record."""
    payload = orjson.dumps([batch.batch_id, batch.minted_at, batch.reads, batch.filtered])
    return _HEAD.pack(len(payload), zlib.crc32(payload)) + payload


def decode(data: bytes) -> tuple[list[Batch], int]:
    """The whole records at the start of `data`, and how many bytes they take; the rest is torn or damaged."""
    batches, at = [], 0
    while at + _HEAD.size <= len(data):
        length, checksum = _HEAD.unpack_from(data, at)
        payload = data[at + _HEAD.size : at + _HEAD.size + length]
        if len(payload) != length or zlib.crc32(payload) != checksum or not length:
            break
        name, minted_at, reads, filtered = orjson.loads(payload)
        batches.append(Batch(name, minted_at, reads, filtered))
        at += _HEAD.size + length
    return batches, at


class Spool:
    """One instance's spool, in a folder of its own, which it locks."""

    def __init__(self, folder: Path, limit_bytes: int, segment_bytes: int = SEGMENT_BYTES) -> None:
        self._folder, self._limit, self._segment_bytes = folder, limit_bytes, segment_bytes
        self._sizes: dict[Path, int] = {}
        self._oldest: dict[Path, int] = {}
        self._writing: BinaryIO | None = None
        self._current: Path | None = None
        self._next = 0
        self._damaged: set[Path] = set()
        self._refused = False
        self._lock: int | None = None

    @property
    def bytes(self) -> int:
        """What the segments take."""
        return sum(self._sizes.values())

    @property
    def full(self) -> bool:
        """Whether the last batch did not fit, and nothing was forgotten since."""
        return self._refused

    @property
    def oldest_minted_at(self) -> int | None:
        """When the oldest waiting batch was minted, in milliseconds since 1970."""
        return min(self._oldest.values(), default=None)

    def beside(self) -> dict[str, int]:
        """Bytes of the segments in the folders beside this one that may be read, by instance.

        One that runs forwards its own.
        """
        found = dict[str, int]()
        with contextlib.suppress(OSError):  # the directory around them may be closed to us
            for name in instances(self._folder.parent):
                if name != self._folder.name and (size := _size(self._folder.parent / name)):
                    found[name] = size
        return found

    def open(self) -> None:
        """Lock the folder and see what an earlier process left. Raises `SpoolLocked`."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._lock)
            self._lock = None
            raise SpoolLocked(
                f"{self._folder} is used by another process; give each LUOTDOC_INSTANCE its own"
            ) from error
        segments = sorted(self._folder.glob("*.spool"))
        # No number twice: a damaged segment must not take the place of an earlier one.
        used = [file.stem for file in (*segments, *self._folder.glob("*.damaged")) if file.stem.isdigit()]
        self._next = 1 + max(map(int, used), default=-1)
        for segment in segments:
            self._sizes[segment] = segment.stat().st_size
            if batches := self.read(segment):
                self._oldest[segment] = batches[0].minted_at
            else:
                self.forget(segment)

    def close(self) -> None:
        """Let go of the folder."""
        self._rotate()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def append(self, batch: Batch) -> None:
        """Write a batch; it is on disk when this returns. Raises `SpoolFull`, leaving no trace of it."""
        record = encode(batch)
        if self.bytes + len(record) > self._limit:
            self._refused = True
            raise SpoolFull(f"the spool holds {self.bytes} of {self._limit} bytes")
        if self._writing is None:
            self._start_segment()
        assert self._writing is not None  # noqa: S101  (for the type checker)
        assert self._current is not None  # noqa: S101
        before = self._sizes[self._current]
        try:
            # Unbuffered, it may take a part without an error: the disk has room for no more.
            if self._writing.write(record) != len(record):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fdatasync(self._writing.fileno())
        except OSError as error:
            self._undo(before)
            self._refused = True
            raise SpoolFull(f"the disk took no more: {error}") from error
        self._refused = False
        self._sizes[self._current] = before + len(record)
        self._oldest.setdefault(self._current, batch.minted_at)
        if self._sizes[self._current] >= self._segment_bytes:
            self._rotate()

    def segments(self) -> list[Path]:
        """The finished segments, oldest first; the current one is finished only where there is no other.

        So an outage makes no file per call. Nothing waits when there is none.
        """
        if self._sizes.keys() <= {self._current}:
            self._rotate()
        return sorted(self._sizes.keys() - {self._current})

    def read(self, segment: Path) -> list[Batch]:
        """A segment's batches, in the order in which they were written, as far as the disk has kept them."""
        data = segment.read_bytes()
        batches, good = decode(data)
        if good < len(data) and segment not in self._damaged:
            self._damaged.add(segment)
            log.error("%s is torn or damaged behind byte %d; it will be kept as .damaged", segment.name, good)
        return batches

    def forget(self, segment: Path) -> None:
        """Every batch of it is confirmed. A damaged segment is kept under another name, for people to look at."""
        if segment in self._damaged:
            self._damaged.discard(segment)
            segment.rename(segment.with_suffix(".damaged"))
        else:
            segment.unlink()
        self._sync_folder()
        del self._sizes[segment]
        self._oldest.pop(segment, None)
        self._refused = False

    def _start_segment(self) -> None:
        segment = self._folder / f"{self._next:012d}.spool"
        try:
            # Unbuffered: what was written is known, and a failed write leaves nothing behind in a buffer.
            writing = open(segment, "xb", buffering=0)  # noqa: SIM115
            try:
                self._sync_folder()
            except OSError:
                writing.close()
                segment.unlink()
                raise
        except OSError as error:
            self._refused = True
            raise SpoolFull(f"the disk took no more: {error}") from error
        self._next += 1
        self._writing, self._current = writing, segment
        self._sizes[segment] = 0

    def _rotate(self) -> None:
        if self._writing is not None:
            self._writing.close()
        if self._current is not None and not self._sizes[self._current]:
            self.forget(self._current)
        self._writing = self._current = None

    def _undo(self, size: int) -> None:
        assert self._writing is not None  # noqa: S101  (for the type checker)
        try:
            os.ftruncate(self._writing.fileno(), size)
        except OSError:
            log.exception("a failed record could not be cut off; it is in nobody's way")
        try:
            self._rotate()
        except OSError:
            log.exception("an empty segment could not be removed; the next start will")
            self._writing = self._current = None

    def _sync_folder(self) -> None:
        descriptor = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def instances(root: Path) -> Iterator[str]:
    """The names of the instances that have a spool under `root`; folders that may not be looked into have none."""
    # os.path answers False where a Path would raise PermissionError: a disk's lost+found, another user's spool.
    if root.is_dir():
        yield from sorted(name for name in os.listdir(root) if os.path.exists(root / name / "lock"))


def _size(folder: Path) -> int:
    size = 0
    with contextlib.suppress(OSError):  # not ours to read, or its instance has just forwarded a segment
        for segment in folder.glob("*.spool"):
            size += segment.stat().st_size
    return size
