"""A segment of the spool: a file of records, which is kept open.

A record is `length (4 bytes) | CRC-32 (4 bytes) | payload`. The payload is JSON: `[batch_id,
minted_at, reads, body]`, with the message's headers and body. Records of an earlier release are
`[batch_id, minted_at, reads, filtered]`, with the lists of a body of version 1.

The open file outlives its name:
if the folder is deleted or replaced, its batches can still be read and forwarded.
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

from luotdoc_subscriber.base.errors import Permanent
from shared.rabbit.batch import Batch
from shared.rabbit.batch_parsing import parse

_HEAD = struct.Struct(">II")
LARGEST = 64 * 1024 * 1024
"""Upper bound for the bytes of a file that is read, several times that of our segments. A larger
file is not ours, and might not fit into memory."""


def encode_record(batch: Batch) -> bytes:
    """`batch` as one record."""
    payload = orjson.dumps(
        [batch.batch_id, batch.minted_at, batch.reads, orjson.Fragment(batch.body())]
    )
    return _HEAD.pack(len(payload), zlib.crc32(payload)) + payload


def decode_record(data: bytes) -> tuple[list[Batch], int]:
    """The batches in `data`, and the offset of the first damage:
    the length of `data` if there is none.

    A torn record or a wrong checksum ends the reading, because the start of the next
    record is unknown. A record with a right checksum that is not a batch is skipped.
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
        # Checked as the counter does: a batch that it would park counts as damage.
        return parse(
            {"batch_id": name, "minted_at": minted_at, "reads": reads}, orjson.dumps(content)
        )
    except (ValueError, TypeError, Permanent):  # orjson's errors are ValueErrors or TypeErrors
        return None


@dataclass(eq=False)
class Segment:
    """One file of the spool. All methods block, and raise OSError."""

    path: Path
    descriptor: int
    """Open for reading, and for writing if this process has created the file;
    -1 while it is not open."""
    size: int
    oldest: int | None = None
    """Time of its first batch in milliseconds since 1970."""
    damaged: bool = False
    """True if the file has bytes that are not a batch."""

    @classmethod
    def create(cls, path: Path) -> "Segment":
        """Create the file, which must not exist."""
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        return cls(path, os.open(path, flags, 0o600), 0)

    @classmethod
    def find(cls, path: Path) -> "Segment":
        """Open a file of an earlier process."""
        descriptor = _open(path)
        return cls(path, descriptor, os.fstat(descriptor).st_size)

    def write(self, record: bytes) -> None:
        """Append a record, fsynced when this returns.
        The file may have been deleted or replaced meanwhile.
        """
        # A full disk may take a part of the record without an error.
        if os.pwrite(self.descriptor, record, self.size) != len(record):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fdatasync(self.descriptor)

    def cut(self) -> None:
        """Cut off what a failed write has left after the last record."""
        os.ftruncate(self.descriptor, self.size)

    def content(self) -> bytes:
        """The content of the whole file. Raises OSError if it has more than `LARGEST` bytes."""
        descriptor = self.descriptor if self.descriptor >= 0 else _open(self.path)
        try:
            if os.fstat(descriptor).st_size > LARGEST:
                raise OSError(errno.EFBIG, "larger than any segment of ours")
            data, at = bytearray(), 0
            while part := os.pread(descriptor, 1 << 22, at):
                data += part
                at += len(part)
            return bytes(data)
        finally:
            if descriptor != self.descriptor:
                os.close(descriptor)

    def in_place(self) -> bool:
        """True if the open file is still the one under its name."""
        if self.descriptor < 0:
            return self.path.exists()
        return is_at(self.descriptor, self.path)

    def close(self) -> None:
        """Close the file."""
        if self.descriptor >= 0:
            with contextlib.suppress(OSError):  # all records were synced before
                os.close(self.descriptor)
            self.descriptor = -1


def is_at(descriptor: int, path: Path) -> bool:
    """True if an open file is the one under `path`:
    not deleted, moved, replaced or hidden by a mount.
    """
    held = os.fstat(descriptor)
    try:
        named = os.stat(path, follow_symlinks=False)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return held.st_nlink > 0 and (held.st_dev, held.st_ino) == (named.st_dev, named.st_ino)


def _open(path: Path) -> int:
    # Without O_NONBLOCK opening a named pipe would block for ever.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file")
    return descriptor
