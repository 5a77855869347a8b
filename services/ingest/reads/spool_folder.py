"""The folder of a spool, and the lock that gives it to one process.

The lock file stays in the folder, locked for as long as its process runs. A folder without one is
not a spool.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from luotdoc_subscriber.base.errors import LuotdocError
from services.ingest.reads.segment import is_at

PROBE_BYTES = 4096
"""Bytes that `probe` writes: one block. A smaller file may fit on a disk that is full."""


class SpoolLocked(LuotdocError):
    """Another process has locked this folder."""


class SpoolFolder:
    """The folder of one instance, `LUOTDOC_SPOOL_DIR/<instance>`.

    All methods block, and raise OSError if the disk fails.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = -1

    @property
    def locked(self) -> bool:
        """True from `take` to `release`. `in_place` finds out whether the lock is still valid."""
        return self._lock >= 0

    def take(self) -> None:
        """Create the folder if it is missing, and lock it. Raises `SpoolLocked`."""
        missing = [path for path in (self.path, *self.path.parents) if not path.exists()]
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        for path in missing:
            _sync_folder(path.parent)
        self._lock = os.open(
            self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
        )
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise SpoolLocked(
                f"{self.path} is used by another process; give each LUOTDOC_INSTANCE its own"
            ) from error
        # Without this check two processes could use the folder: this one with a deleted lock file,
        # the next one with a new lock file.
        if not self.in_place():
            raise OSError(f"{self.path}: the lock was deleted while it was taken")

    def release(self) -> None:
        """Give up the lock, if this process has it."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def in_place(self) -> bool:
        """True if the lock file is still in the folder, so that no other process can lock it."""
        return is_at(self._lock, self.path / "lock")

    def probe(self) -> None:
        """Write one block into the folder, sync it and delete it."""
        probe = self.path / "probe"
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
            raise OSError(f"{self.path}: the disk is full")

    def sync(self) -> None:
        """Return once created, deleted and renamed files are durable under their names."""
        _sync_folder(self.path)

    def orphans(self) -> dict[str, int]:
        """Bytes in the spools of other instances in the same directory, by instance.

        A spool is orphaned if its instance does not run; a running instance forwards its own.
        Spools that this process may not read are left out.
        """
        found = dict[str, int]()
        with contextlib.suppress(OSError):  # this process may not list the directory
            for name in instances(self.path.parent):
                if name != self.path.name and (size := _size(self.path.parent / name)):
                    found[name] = size
        return found


def instances(root: Path) -> Iterator[str]:
    """The names of the instances with a spool under `root`,
    without folders that this process may not read.
    """
    # os.path answers False where a Path raises PermissionError:
    # a disk's lost+found, another user's spool.
    if root.is_dir():
        yield from sorted(name for name in os.listdir(root) if os.path.exists(root / name / "lock"))


def _sync_folder(folder: Path) -> None:
    # Without this a crash may lose a file whose content was synced, because its name was not.
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _size(folder: Path) -> int:
    size = 0
    # The folder may not be readable, or its instance has just deleted a forwarded segment.
    with contextlib.suppress(OSError):
        for segment in folder.glob("*.spool"):
            size += segment.stat().st_size
    return size
