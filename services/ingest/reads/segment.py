"""A segment of the spool: a file with a run of records, which is kept open, and the records themselves.

A record is `length (4 bytes) | CRC-32 (4 bytes) | payload`; the payload is JSON, `[batch_id, minted_at, reads, body]`
with the values of the message's headers and its body, or, from an earlier release, `[batch_id, minted_at, reads,
filtered]` with the lists of a body of version 1. The open file outlives its name: when the folder is
deleted or replaced, the batches in it can still be read and forwarded.
"""

import contextlib
import errno
import os
import stat
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import orjson

from shared.base.errors import Permanent
from shared.rabbit.batch import Batch, parse

_HEAD = struct.Struct(">II")


def encode(batch: Batch) -> bytes:
    """A batch as one record."""
    payload = orjson.dumps([batch.batch_id, batch.minted_at, batch.reads, orjson.Fragment(batch.body())])
    return _HEAD.pack(len(payload), zlib.crc32(payload)) + payload


def decode(data: bytes) -> tuple[list[Batch], int]:
    """The batches of `data`, and the place of the first record that holds none: the length of `data` if all do.

    Reading ends where a record is torn or its checksum is wrong: nobody knows where the next one begins. A record
    whose checksum is right and whose content is no batch is left out, and those behind it are read.
    """
    batches, at, good = list[Batch](), 0, -1
    while at + _HEAD.size <= len(data):
        length, checksum = _HEAD.unpack_from(data, at)
        payload = data[at + _HEAD.size : at + _HEAD.size + length]
        if len(payload) != length or zlib.crc32(payload) != checksum or not length:
            break
        batch = _batch(payload)
        if batch is not None:
            batches.append(batch)
        elif good < 0:
            good = at
        at += _HEAD.size + length
    return batches, at if good < 0 else good


def _batch(payload: bytes) -> Batch | None:
    try:
        name, minted_at, reads, content = orjson.loads(payload)
        if type(reads) is list:
            reads, content = len(reads), {"reads": reads, "filtered": content}
        # Checked as the counter checks it: what it would park is for people to look at here.
        return parse({"batch_id": name, "minted_at": minted_at, "reads": reads}, orjson.dumps(content))
    except (ValueError, TypeError, Permanent):  # orjson's errors are ValueErrors or TypeErrors
        return None


@dataclass(eq=False)
class Segment:
    """One file. All methods block, and raise OSError."""

    path: Path
    descriptor: int
    """Open for reading, and for writing where this process has made the file; -1 while it is not kept open."""
    size: int
    oldest: int | None = None
    """When its first batch was minted, in milliseconds since 1970."""
    damaged: bool = False
    """It holds something that is no batch."""

    @classmethod
    def create(cls, path: Path) -> "Segment":
        """Make the file, which must not exist."""
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        return cls(path, os.open(path, flags, 0o600), 0)

    @classmethod
    def find(cls, path: Path) -> "Segment":
        """Open a file that an earlier process has left."""
        descriptor = _open(path)
        return cls(path, descriptor, os.fstat(descriptor).st_size)

    def write(self, record: bytes) -> None:
        """Add a record; it is on disk when this returns, in a file that may have lost its name."""
        # Unbuffered, it may take a part without an error: the disk has room for no more.
        if os.pwrite(self.descriptor, record, self.size) != len(record):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fdatasync(self.descriptor)

    def cut(self) -> None:
        """Take away what a failed write has left behind the last record."""
        os.ftruncate(self.descriptor, self.size)

    def content(self) -> bytes:
        """The whole file."""
        descriptor = self.descriptor if self.descriptor >= 0 else _open(self.path)
        try:
            data, at = bytearray(), 0
            while part := os.pread(descriptor, 1 << 22, at):
                data += part
                at += len(part)
            return bytes(data)
        finally:
            if descriptor != self.descriptor:
                os.close(descriptor)

    def in_place(self) -> bool:
        """Whether the file is still the one under its name."""
        if self.descriptor < 0:
            return self.path.exists()
        return is_at(self.descriptor, self.path)

    def close(self) -> None:
        """Let go of the file."""
        if self.descriptor >= 0:
            with contextlib.suppress(OSError):  # all of it was synced
                os.close(self.descriptor)
            self.descriptor = -1


def is_at(descriptor: int, path: Path) -> bool:
    """Whether an open file is the one under `path`, not deleted, moved, replaced or hidden by a mount."""
    held = os.fstat(descriptor)
    try:
        named = os.stat(path, follow_symlinks=False)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return held.st_nlink > 0 and (held.st_dev, held.st_ino) == (named.st_dev, named.st_ino)


def _open(path: Path) -> int:
    # Without O_NONBLOCK, a named pipe would hold us up for ever.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file")
    return descriptor
