"""The spool: batches on local disk while RabbitMQ is away.
Append-only segments, checksummed, fsynced.

A segment's name is a number that only grows. A segment is deleted once RabbitMQ has confirmed all
its batches. A crash before that repeats some batches under the same ids, and the ledger drops them.

Damage: a segment with bytes that are not a batch is forwarded as far as it can be read, and its
file is kept as `.damaged`. A record that a crash has torn at the end looks the same, but no client
got 204 for it.

The folder may become unusable at any time: read-only, deleted, replaced, on a full disk. Then
`append` raises, `trouble` gives the reason, and `check` uses the folder again as soon as that
works.

All methods block on the disk: call them in a thread, one at a time.
"""

import contextlib
import fcntl
import logging
import os
from collections.abc import Iterator
from pathlib import Path

from luotdoc_subscriber.base.errors import LuotdocError
from services.ingest.reads.segment import Segment, decode_record, encode_record, is_at
from shared.base.errors import Unavailable
from shared.rabbit.batch import Batch

log = logging.getLogger(__name__)

SEGMENT_BYTES = 1 << 20
KEPT_OPEN = 128
"""Upper bound for segments whose files are kept open,
so that their content outlives a deletion of the folder. A process may open 1,024 files."""
MOST_DIGITS = 15
"""Upper bound for the digits of a segment's number.
Our names have 12; a longer one is a foreign file."""
PROBE_BYTES = 4096
"""One block: a full disk takes less."""


class SpoolRefused(Unavailable):
    """The spool did not store the batch."""


class SpoolFull(SpoolRefused):
    """The spool has reached its size limit, or the disk is full."""


class SpoolUnusable(SpoolRefused):
    """The folder can't be used; the text says why."""


class SpoolLocked(LuotdocError):
    """Another process has locked this folder."""


class Spool:
    """The spool of one instance:
    a folder, locked by this process, with the segments that wait for RabbitMQ.
    """

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
        """The reason why the folder can't be used; None while it can."""

    @property
    def bytes(self) -> int:
        """The size of all segments."""
        return sum(segment.size for segment in self._segments.values())

    @property
    def full(self) -> bool:
        """True if the last batch did not fit, and no segment was deleted since."""
        return self._refused

    @property
    def unreadable(self) -> dict[Path, str]:
        """Segments that can't be read, with the reason. They stay in place and are tried again."""
        return self._unreadable

    @property
    def oldest_minted_at(self) -> int | None:
        """The time of the oldest waiting batch in milliseconds since 1970; None if none waits."""
        return min(
            (s.oldest for s in self._segments.values() if s.oldest is not None), default=None
        )

    def orphans(self) -> dict[str, int]:
        """Bytes in the spools of other instances in the same directory,
        as far as they can be read, by instance.

        A spool is orphaned if its instance doesn't run; a running instance forwards its own.
        """
        found = dict[str, int]()
        with contextlib.suppress(OSError):  # this process may not list the directory
            for name in instances(self._folder.parent):
                if name != self._folder.name and (size := _size(self._folder.parent / name)):
                    found[name] = size
        return found

    def open(self) -> None:
        """Create the folder if it is missing, lock it, and find the segments of an earlier process.

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
        """Test the folder by writing into it.
        Updates `trouble`; uses the folder again if that works.
        """
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
        """Close all files and release the lock."""
        self._rotate()
        for segment in self._segments.values():
            segment.close()
        self._let_go("it is closed")

    def append(self, batch: Batch) -> None:
        """Write a batch. When this returns, it is fsynced into a file that is in the folder.

        Raises `SpoolFull` or `SpoolUnusable`; then the batch is not stored.
        """
        record = encode_record(batch)
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
            # Must come after the sync, so that a deletion or replacement before the sync is
            # noticed. If the lock is gone, another process may have read the segment already, and
            # be about to delete it.
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
        """The finished segments, oldest first. Empty if no batch waits.

        The current segment is finished only if it is the only one:
        otherwise each call would create a file.
        """
        current = self._current.path if self._current else None
        if self._segments.keys() <= {current}:
            self._rotate()
            current = None
        return sorted(self._segments.keys() - {current})

    def read(self, path: Path) -> list[Batch]:
        """A segment's readable batches, in the order of writing; none if the file can't be read."""
        segment = self._segments[path]
        try:
            data = segment.content()
        except OSError as error:
            self._pass_over(path, error)
            return []
        self._unreadable.pop(path, None)
        batches, good = decode_record(data)
        if good < len(data) and not segment.damaged:
            segment.damaged = True
            log.error(
                "%s is torn or damaged after byte %d; it will be kept as .damaged", path.name, good
            )
        return batches

    def forget(self, path: Path) -> None:
        """Delete a segment whose batches are all confirmed.
        A damaged one is renamed to `.damaged` instead.
        """
        segment = self._segments.pop(path)
        try:
            # Only our own file: the folder may belong to another process by now,
            # with a file of the same name.
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
        self._lock = os.open(
            self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
        )
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
        """Stop using the folder.
        The known segments stay known and are forwarded from their open files.
        """
        self._current, self.trouble = None, why
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _scan(self) -> None:
        """Add segments that are in the folder and not known:
        of an earlier process, or unreadable until now.
        """
        names = os.listdir(self._folder)
        # Numbers of `.damaged` files count too:
        # a second one of the same name would replace the first.
        stems = (name.partition(".")[0] for name in names)
        used = [
            int(stem)
            for stem in stems
            if stem.isascii() and stem.isdecimal() and len(stem) <= MOST_DIGITS
        ]
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
        """Copy segments whose files were deleted from the folder back into it,
        from the files kept open.
        """
        for path, segment in list(self._segments.items()):
            if segment.in_place():
                continue
            if segment.descriptor < 0:
                log.critical(
                    "%s was deleted with %d bytes of batches that were answered 204",
                    path,
                    segment.size,
                )
                del self._segments[path]
                continue
            copy = self._start_segment()
            self._current = None
            copy.write(segment.content()[: segment.size])
            copy.size, copy.oldest = segment.size, segment.oldest
            log.warning(
                "%s was deleted or replaced; what it held is saved in %s", path.name, copy.path.name
            )
            if self._segments.get(path) is segment:
                del self._segments[path]
            segment.close()

    def _probe(self) -> None:
        probe = self._folder / "probe"
        descriptor = os.open(
            probe, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
        )
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
            log.exception("a failed record could not be cut off; it will be read as a torn end")
        self._rotate()


def instances(root: Path) -> Iterator[str]:
    """The names of the instances with a spool under `root`,
    without folders that this process may not read.
    """
    # os.path answers False where a Path raises PermissionError:
    # a disk's lost+found, another user's spool.
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
    with contextlib.suppress(
        OSError
    ):  # not readable, or its instance has just deleted a forwarded segment
        for segment in folder.glob("*.spool"):
            size += segment.stat().st_size
    return size
