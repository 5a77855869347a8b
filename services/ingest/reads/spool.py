"""The spool: batches on local disk while RabbitMQ is away. Append-only segments, checksummed, fsynced.

A segment's name is a number that only grows. Segments are forgotten whole, once RabbitMQ has confirmed all of their
batches; a crash before that repeats some, under the same ids, which the ledger drops. A segment that holds something
that is no batch is kept, as `.damaged`: the end that a crash has torn, which nobody was told to be durable, looks
like damage.

The folder may become unusable at any time: read-only, deleted, replaced, on a full disk. Nothing is said to be
durable in it then; `trouble` says why, and `check` takes it up again when it can be used. All methods block on the
disk: call them in a thread, one at a time.
"""

import contextlib
import fcntl
import logging
import os
from collections.abc import Iterator
from pathlib import Path

from services.ingest.reads.segment import Segment, decode, encode, is_at
from shared.base.errors import LuotdocError, Unavailable
from shared.rabbit.batch import Batch

log = logging.getLogger(__name__)

SEGMENT_BYTES = 1 << 20
KEPT_OPEN = 128
"""Segments whose files are kept open, so that they outlive a deletion of the folder; a process may have 1,024 files."""
MOST_DIGITS = 15
"""In the names of our segments, which have 12; anything longer is somebody else's."""
PROBE_BYTES = 4096
"""One block: a disk that is full has room for less."""


class SpoolRefused(Unavailable):
    """The spool did not take the batch."""


class SpoolFull(SpoolRefused):
    """The size limit is reached, or the disk took no more."""


class SpoolUnusable(SpoolRefused):
    """The folder can't be used; the text says why."""


class SpoolLocked(LuotdocError):
    """Another process uses this folder."""


class Spool:
    """One instance's spool, in a folder of its own, which it locks."""

    def __init__(self, folder: Path, limit_bytes: int, segment_bytes: int = SEGMENT_BYTES) -> None:
        self._folder, self._limit, self._segment_bytes = folder, limit_bytes, segment_bytes
        self._segments: dict[Path, Segment] = {}
        self._current: Segment | None = None
        self._next = 0
        self._refused = False
        self._lock = -1
        self._unreadable: dict[Path, str] = {}
        self._forwarded: dict[Path, bool] = {}
        self.trouble: str | None = "it is not open yet"
        """Why the folder can't be used; None while it can."""

    @property
    def bytes(self) -> int:
        """What the segments take."""
        return sum(segment.size for segment in self._segments.values())

    @property
    def full(self) -> bool:
        """Whether the last batch did not fit, and nothing was forgotten since."""
        return self._refused

    @property
    def unreadable(self) -> dict[Path, str]:
        """Segments that can't be read, which stay where they are and are tried again, and why."""
        return self._unreadable

    @property
    def oldest_minted_at(self) -> int | None:
        """When the oldest waiting batch was minted, in milliseconds since 1970."""
        return min((s.oldest for s in self._segments.values() if s.oldest is not None), default=None)

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
        """Lock the folder, which is made if it is not there, and see what an earlier process left.

        Raises `SpoolLocked`, or `SpoolUnusable`, after which `check` tries again.
        """
        try:
            self._make_folder()
            self._take_lock()
            self._scan()
            self._bring_home()
        except OSError as error:
            self._let_go(str(error))
            raise SpoolUnusable(f"the spool cannot be used: {error}") from error
        except SpoolLocked as error:
            self._let_go(str(error))
            raise
        self.trouble = None

    def check(self) -> None:
        """Find out whether the folder can be used, by writing into it, and take it up again when it can."""
        try:
            if self._lock >= 0 and not self._in_place():
                self._let_go("the folder or its lock was deleted or replaced")
            if self._lock < 0:
                self.open()
            self._probe()
            self._bring_home()
            self._scan()
            self._remove_forwarded()
        except SpoolUnusable:
            pass  # `open` has noted why
        except (OSError, SpoolRefused, SpoolLocked) as error:
            self.trouble = str(error)
        else:
            self.trouble = None

    def close(self) -> None:
        """Let go of the folder."""
        self._rotate()
        for segment in self._segments.values():
            segment.close()
        self._let_go("it is closed")

    def append(self, batch: Batch) -> None:
        """Write a batch; it is on disk, in a file of the folder, when this returns.

        Raises `SpoolFull` or `SpoolUnusable`, leaving no trace of it.
        """
        record = encode(batch)
        if self._lock < 0:
            raise SpoolUnusable(f"the spool cannot be used: {self.trouble}")
        if self.bytes + len(record) > self._limit:
            self._refused = True
            raise SpoolFull(f"the spool holds {self.bytes} of {self._limit} bytes")
        try:
            segment = self._current or self._start_segment()
        except OSError as error:
            self._refused = True
            raise SpoolFull(f"the disk took no more: {error}") from error
        try:
            segment.write(record)
            # Behind the sync: what was deleted or replaced before it is noticed, and what is later is no matter of
            # ours. With the lock gone, another process may have read the segment already, and be about to delete it.
            in_place = self._in_place() and segment.in_place()
        except OSError as error:
            self._undo(segment)
            self._refused = True
            raise SpoolFull(f"the disk took no more: {error}") from error
        if not in_place:
            self._undo(segment)
            self._let_go("the folder, its lock or a segment was deleted or replaced")
            raise SpoolUnusable(f"the spool cannot be used: {self.trouble}")
        self._refused = False
        segment.size += len(record)
        segment.oldest = batch.minted_at if segment.oldest is None else segment.oldest
        if segment.size >= self._segment_bytes:
            self._rotate()

    def segments(self) -> list[Path]:
        """The finished segments, oldest first; the current one is finished only where there is no other.

        So an outage makes no file per call. Nothing waits when there is none.
        """
        current = self._current.path if self._current else None
        if self._segments.keys() <= {current}:
            self._rotate()
            current = None
        return sorted(self._segments.keys() - {current})

    def read(self, path: Path) -> list[Batch]:
        """A segment's batches, in the order in which they were written, as far as the disk has kept them."""
        segment = self._segments[path]
        try:
            data = segment.content()
        except OSError as error:
            self._pass_over(path, error)
            return []
        self._unreadable.pop(path, None)
        batches, good = decode(data)
        if good < len(data) and not segment.damaged:
            segment.damaged = True
            log.error("%s is torn or damaged behind byte %d; it will be kept as .damaged", path.name, good)
        return batches

    def forget(self, path: Path) -> None:
        """Every batch of it is confirmed. A damaged segment is kept under another name, for people to look at."""
        segment = self._segments.pop(path)
        try:
            # Another file under this name is not ours to delete: the folder may belong to another process by now.
            if path not in self._unreadable and self._lock >= 0 and segment.in_place():
                self._remove(path, segment.damaged)
        except OSError as error:
            self._forwarded[path] = segment.damaged
            log.error("%s is forwarded and cannot be removed yet: %s", path, error)
        finally:
            segment.close()
        self._refused = False

    def _make_folder(self) -> None:
        missing = [path for path in (self._folder, *self._folder.parents) if not path.exists()]
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for path in missing:
            _sync(path.parent)

    def _take_lock(self) -> None:
        self._lock = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise SpoolLocked(
                f"{self._folder} is used by another process; give each LUOTDOC_INSTANCE its own"
            ) from error
        if not self._in_place():
            raise OSError(f"{self._folder}: the lock was deleted while it was taken")

    def _in_place(self) -> bool:
        return is_at(self._lock, self._folder / "lock")

    def _let_go(self, why: str) -> None:
        """Nothing is written here any more; what is known to wait stays known, and is forwarded from its open files."""
        self._current, self.trouble = None, why
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _scan(self) -> None:
        """Take up the segments that are there and not known, from an earlier process or unreadable until now."""
        names = os.listdir(self._folder)
        # No number twice: a damaged segment must not take the place of an earlier one.
        stems = (name.partition(".")[0] for name in names)
        used = [int(stem) for stem in stems if stem.isascii() and stem.isdecimal() and len(stem) <= MOST_DIGITS]
        self._next = max(self._next, 1 + max(used, default=-1))
        for path in sorted(self._folder / name for name in names if name.endswith(".spool")):
            if path not in self._segments and path not in self._forwarded:
                self._take_up(path)

    def _take_up(self, path: Path) -> None:
        try:
            segment = Segment.find(path)
        except OSError as error:
            self._pass_over(path, error)
            return
        if len(self._segments) >= KEPT_OPEN:
            segment.close()
        self._segments[path] = segment
        if batches := self.read(path):
            segment.oldest = batches[0].minted_at
        else:
            self.forget(path)

    def _pass_over(self, path: Path, error: OSError) -> None:
        if path not in self._unreadable:
            log.error("%s cannot be read, and stays where it is: %s", path, error)
        self._unreadable[path] = str(error)

    def _bring_home(self) -> None:
        """Copy segments whose files are gone from the folder into it, from the files that were kept open."""
        for path, segment in list(self._segments.items()):
            if segment.in_place():
                continue
            if segment.descriptor < 0:
                log.critical("%s was deleted with %d bytes of batches that were answered 204", path, segment.size)
                del self._segments[path]
                continue
            copy = self._start_segment()
            self._current = None
            copy.write(segment.content()[: segment.size])
            copy.size, copy.oldest = segment.size, segment.oldest
            log.warning("%s was deleted or replaced; what it held is saved in %s", path.name, copy.path.name)
            if self._segments.get(path) is segment:
                del self._segments[path]
            segment.close()

    def _probe(self) -> None:
        probe = self._folder / "probe"
        descriptor = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            written = os.write(descriptor, bytes(PROBE_BYTES))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
            probe.unlink()
        if written != PROBE_BYTES:
            raise OSError(f"{self._folder}: the disk is full")

    def _remove_forwarded(self) -> None:
        for path, damaged in list(self._forwarded.items()):
            with contextlib.suppress(FileNotFoundError):
                self._remove(path, damaged)
            del self._forwarded[path]

    def _remove(self, path: Path, damaged: bool) -> None:
        if damaged:
            path.rename(path.with_suffix(".damaged"))
        else:
            path.unlink()
        _sync(self._folder)

    def _start_segment(self) -> Segment:
        number, self._next = self._next, self._next + 1
        segment = Segment.create(self._folder / f"{number:012d}.spool")
        try:
            _sync(self._folder)
        except OSError:
            segment.close()
            segment.path.unlink()
            raise
        self._current = self._segments[segment.path] = segment
        return segment

    def _rotate(self) -> None:
        segment, self._current = self._current, None
        if segment is not None and not segment.size:
            self.forget(segment.path)
        elif segment is not None and len(self._segments) > KEPT_OPEN:
            segment.close()

    def _undo(self, segment: Segment) -> None:
        try:
            segment.cut()
        except OSError:
            log.exception("a failed record could not be cut off; it is in nobody's way")
        self._rotate()


def instances(root: Path) -> Iterator[str]:
    """The names of the instances that have a spool under `root`; folders that may not be looked into have none."""
    # os.path answers False where a Path would raise PermissionError: a disk's lost+found, another user's spool.
    if root.is_dir():
        yield from sorted(name for name in os.listdir(root) if os.path.exists(root / name / "lock"))


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _size(folder: Path) -> int:
    size = 0
    with contextlib.suppress(OSError):  # not ours to read, or its instance has just forwarded a segment
        for segment in folder.glob("*.spool"):
            size += segment.stat().st_size
    return size
