"""Pages whose bytes are ready to be joined. Pure.

A page is made of pieces. Each is deflated once and on its own, so a page with another read count
is put together from bytes, without compressing it again. The result is one gzip member: clients
stop after the first of several.
"""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from struct import pack

DEFLATE_LEVEL = 6
STORED = 64
"""PageBytes below so many bytes are not compressed: a read count would not get shorter."""

_HEADER = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
"""Of a gzip member without a name, a time or a system."""
_LAST = b"\x03\0"
"""An empty last block."""


class PagePiece:
    """A part of a page: as it is, and as blocks of deflate that end with a byte and refer to
    nothing before them. These are made when they are first asked for: few of a burst of new pages
    are read at once.
    """

    __slots__ = ("_deflated", "plain")

    def __init__(self, plain: bytes) -> None:
        self.plain = plain
        self._deflated: bytes | None = None

    @property
    def deflated(self) -> bytes:
        """The blocks."""
        if self._deflated is None:
            self._deflated = _deflated(self.plain)
        return self._deflated


def _deflated(plain: bytes) -> bytes:
    if not plain:
        return b""
    if len(plain) < STORED:
        return pack("<BHH", 0, len(plain), len(plain) ^ 0xFFFF) + plain
    coder = zlib.compressobj(DEFLATE_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    # A full flush ends with a byte, and what follows does not look back.
    return coder.compress(plain) + coder.flush(zlib.Z_FULL_FLUSH)


def piece(text: str) -> PagePiece:
    """The piece of `text`, in UTF-8."""
    return PagePiece(text.encode())


class PageBytes:
    """The pieces of a body. Each of its two forms is joined when it is first asked for."""

    __slots__ = ("_gzip", "_plain", "parts")

    def __init__(self, parts: Sequence[PagePiece]) -> None:
        self.parts = tuple(parts)
        self._plain: bytes | None = None
        self._gzip: bytes | None = None

    @property
    def plain(self) -> bytes:
        """The body as it is."""
        if self._plain is None:
            self._plain = b"".join([part.plain for part in self.parts])
        return self._plain

    @property
    def gzip(self) -> bytes:
        """The body as one gzip member."""
        if self._gzip is None:
            crc = size = 0
            for part in self.parts:
                crc = zlib.crc32(part.plain, crc)
                size += len(part.plain)
            deflated = [part.deflated for part in self.parts]
            end = pack("<II", crc, size & 0xFFFFFFFF)
            self._gzip = b"".join([_HEADER, *deflated, _LAST, end])
        return self._gzip


@dataclass(frozen=True, slots=True)
class PreparedPage:
    """A page whose static parts are ready. Between them are the names of its live parts."""

    parts: tuple[PagePiece | str, ...]

    def filled(self, live: Mapping[str, PagePiece]) -> PageBytes:
        """The page with its live parts. Raises KeyError for one that is missing."""
        return PageBytes([live[each] if isinstance(each, str) else each for each in self.parts])

    @property
    def texts(self) -> list[str]:
        """The static parts as text, and the names of the live parts between them."""
        return [each if isinstance(each, str) else each.plain.decode() for each in self.parts]


def prepared_page(parts: Sequence[str]) -> PreparedPage:
    """A page of `parts`: static ones, and names of live parts, which begin with NUL."""
    return PreparedPage(
        tuple(part if part.startswith("\0") else piece(part) for part in parts if part)
    )
