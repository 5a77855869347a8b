"""The spool: batches on local disk while RabbitMQ is away.
Append-only segments, checksummed, fsynced.

The folder may become unusable at any time: read-only, deleted, replaced, on a full disk. Then
`append` raises, `trouble` gives the reason, and `check` uses the folder again as soon as that
works.

All methods block on the disk: call them in a thread, one at a time.
"""

from pathlib import Path

from services.ingest.reads.segment import encode_record
from services.ingest.reads.spool_folder import SpoolFolder, SpoolLocked
from services.ingest.reads.spool_segments import SpoolSegments
from shared.base.errors import Unavailable
from shared.rabbit.batch import Batch

SEGMENT_BYTES = 1 << 20


class SpoolRefused(Unavailable):
    """The spool did not store the batch."""


class SpoolFull(SpoolRefused):
    """The spool has reached its size limit, or the disk is full."""


class SpoolUnusable(SpoolRefused):
    """The folder can't be used; the text says why."""


class Spool:
    """The spool of one instance:
    a folder, locked by this process, with the segments that wait for RabbitMQ.
    """

    def __init__(self, folder: Path, limit_bytes: int, segment_bytes: int = SEGMENT_BYTES) -> None:
        self.folder, self._limit, self._segment_bytes = folder, limit_bytes, segment_bytes
        self._folder = SpoolFolder(folder)
        self._segments = SpoolSegments(self._folder)
        self.trouble: str | None = "it is not open yet"
        """The reason why the folder can't be used; None while it can."""

    @property
    def bytes(self) -> int:
        """The size of all segments."""
        return self._segments.bytes

    @property
    def unreadable(self) -> dict[Path, str]:
        """Segments that can't be read, with the reason. They stay in place and are tried again."""
        return self._segments.unreadable

    @property
    def oldest_minted_at(self) -> int | None:
        """The time of the oldest waiting batch in milliseconds since 1970; None if none waits."""
        return self._segments.oldest_minted_at

    def orphans(self) -> dict[str, int]:
        """Bytes in the spools of other instances in the same directory,
        as far as they can be read, by instance.
        """
        return self._folder.orphans()

    def open(self) -> None:
        """Create the folder if it is missing, lock it, and find the segments of an earlier process.

        Raises `SpoolLocked`, or `SpoolUnusable`, after which `check` tries again.
        """
        try:
            self._folder.take()
            self._segments.scan()
            self._segments.bring_home()
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
            if self._folder.locked and not self._folder.in_place():
                self._let_go("the folder or its lock was deleted or replaced")
            if not self._folder.locked:
                self.open()
            self._folder.probe()
            self._segments.bring_home()
            self._segments.scan()
            self._segments.remove_forwarded()
        except SpoolUnusable:
            pass  # `open` has noted why
        except (OSError, SpoolRefused, SpoolLocked) as error:
            self.trouble = str(error)
        else:
            self.trouble = None

    def close(self) -> None:
        """Close all files and release the lock."""
        self._segments.close()
        self._let_go("it is closed")

    def append(self, batch: Batch) -> None:
        """Write a batch. When this returns, it is fsynced into a file that is in the folder.

        Raises `SpoolFull` or `SpoolUnusable`; then the batch is not stored.
        """
        record = encode_record(batch)
        if not self._folder.locked:
            raise SpoolUnusable(f"the spool cannot be used: {self.trouble}")
        if (size := self._segments.bytes) + len(record) > self._limit:
            raise SpoolFull(f"the spool holds {size} of {self._limit} bytes")
        try:
            segment = self._segments.current or self._segments.start()
        except OSError as error:
            raise SpoolFull(f"the disk took no more: {error}") from error
        try:
            segment.write(record)
            # Must come after the sync, so that a deletion or replacement before the sync is
            # noticed. If the lock is gone, another process may have read the segment already, and
            # be about to delete it.
            in_place = self._folder.in_place() and segment.in_place()
        except OSError as error:
            self._segments.undo(segment)
            raise SpoolFull(f"the disk took no more: {error}") from error
        if not in_place:
            self._segments.undo(segment)
            self._let_go("the folder, its lock or a segment was deleted or replaced")
            raise SpoolUnusable(f"the spool cannot be used: {self.trouble}")
        segment.size += len(record)
        segment.oldest = batch.minted_at if segment.oldest is None else segment.oldest
        if segment.size >= self._segment_bytes:
            self._segments.finish()

    def segments(self) -> list[Path]:
        """The finished segments, oldest first. Empty if no batch waits."""
        return self._segments.finished()

    def read(self, path: Path) -> list[Batch]:
        """A segment's readable batches, in the order of writing; none if the file can't be read."""
        return self._segments.read(path)

    def forget(self, path: Path) -> None:
        """Delete a segment whose batches are all confirmed.
        A damaged one is renamed to `.damaged` instead.
        """
        self._segments.forget(path)

    def _let_go(self, why: str) -> None:
        """Stop using the folder.
        The known segments stay known and are forwarded from their open files.
        """
        self._segments.current, self.trouble = None, why
        self._folder.release()
