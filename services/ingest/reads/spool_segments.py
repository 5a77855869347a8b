"""The segments in a spool's folder: found, read, copied back, deleted.

A segment's name is a number that only grows. A segment is deleted once RabbitMQ has confirmed all
its batches. A crash before that repeats some batches under the same ids, and the ledger drops them.

Damage: a segment with bytes that are not a batch is forwarded as far as it can be read, and its
file is kept as `.damaged`. A record that a crash has torn at the end looks the same, but no client
got 204 for it.
"""

import contextlib
import logging
import os
from pathlib import Path

from services.ingest.reads.segment import Segment, decode_record
from services.ingest.reads.spool_folder import SpoolFolder
from shared.rabbit.batch import Batch

log = logging.getLogger(__name__)

KEPT_OPEN = 128
"""Upper bound for segments whose files are kept open,
so that their content outlives a deletion of the folder. A process may open 1,024 files."""
MOST_DIGITS = 15
"""Upper bound for the digits of a segment's number.
Our names have 12; a longer one is a foreign file."""


class SpoolSegments:
    """The segments that wait to be forwarded. All methods block.

    `start`, `scan`, `bring_home` and `remove_forwarded` raise OSError if the disk fails.
    """

    def __init__(self, folder: SpoolFolder) -> None:
        self._folder = folder
        self._segments: dict[Path, Segment] = {}
        self._forwarded: dict[Path, bool] = {}
        """Forwarded segments that could not be removed yet, with True for a damaged one."""
        self._next = 0
        self.current: Segment | None = None
        """The segment that is being written; None if the next batch starts one."""
        self.unreadable: dict[Path, str] = {}
        """Segments that can't be read, with the reason. They stay in place and are tried again."""

    @property
    def bytes(self) -> int:
        """The size of all segments."""
        return sum(segment.size for segment in self._segments.values())

    @property
    def oldest_minted_at(self) -> int | None:
        """The time of the oldest waiting batch in milliseconds since 1970; None if none waits."""
        return min(
            (s.oldest for s in self._segments.values() if s.oldest is not None), default=None
        )

    def start(self) -> Segment:
        """Create a segment and make it the current one."""
        number, self._next = self._next, self._next + 1
        segment = Segment.create(self._folder.path / f"{number:012d}.spool")
        try:
            self._folder.sync()
        except OSError:
            segment.close()
            segment.path.unlink()
            raise
        self.current = self._segments[segment.path] = segment
        return segment

    def finish(self) -> None:
        """End the current segment. One without batches is deleted."""
        segment, self.current = self.current, None
        if segment is not None and not segment.size:
            self.forget(segment.path)
        elif segment is not None and len(self._segments) > KEPT_OPEN:
            segment.close()

    def undo(self, segment: Segment) -> None:
        """Cut off a record that failed, and end the segment."""
        try:
            segment.cut()
        except OSError:
            log.exception("a failed record could not be cut off; it will be read as a torn end")
        self.finish()

    def finished(self) -> list[Path]:
        """The finished segments, oldest first. Empty if no batch waits.

        The current segment is finished only if it is the only one:
        otherwise each call would create a file.
        """
        current = self.current.path if self.current else None
        if self._segments.keys() <= {current}:
            self.finish()
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
        self.unreadable.pop(path, None)
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
            if path not in self.unreadable and self._folder.locked and segment.in_place():
                self._remove(path, segment.damaged)
        except OSError as error:
            self._forwarded[path] = segment.damaged
            log.error("%s is forwarded and cannot be removed yet: %s", path, error)
        finally:
            segment.close()

    def scan(self) -> None:
        """Add segments that are in the folder and not known:
        of an earlier process, or unreadable until now.
        """
        names = os.listdir(self._folder.path)
        # Numbers of `.damaged` files count too:
        # a second one of the same name would replace the first.
        stems = (name.partition(".")[0] for name in names)
        used = [
            int(stem)
            for stem in stems
            if stem.isascii() and stem.isdecimal() and len(stem) <= MOST_DIGITS
        ]
        self._next = max(self._next, 1 + max(used, default=-1))
        for path in sorted(self._folder.path / name for name in names if name.endswith(".spool")):
            if path not in self._segments and path not in self._forwarded:
                self._take_up(path)

    def bring_home(self) -> None:
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
            copy = self.start()
            self.current = None
            copy.write(segment.content()[: segment.size])
            copy.size, copy.oldest = segment.size, segment.oldest
            log.warning(
                "%s was deleted or replaced; what it held is saved in %s", path.name, copy.path.name
            )
            if self._segments.get(path) is segment:
                del self._segments[path]
            segment.close()

    def remove_forwarded(self) -> None:
        """Remove segments that were forwarded and could not be removed then."""
        for path, damaged in list(self._forwarded.items()):
            with contextlib.suppress(FileNotFoundError):
                self._remove(path, damaged)
            del self._forwarded[path]

    def close(self) -> None:
        """End the current segment and close all files."""
        self.finish()
        for segment in self._segments.values():
            segment.close()

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
        if path not in self.unreadable:
            log.error("%s cannot be read, and stays where it is: %s", path, error)
        self.unreadable[path] = str(error)

    def _remove(self, path: Path, damaged: bool) -> None:
        if damaged:
            path.rename(path.with_suffix(".damaged"))
        else:
            path.unlink()
        self._folder.sync()
