"""Keeps only those parts of a picture's file that a browser needs to show it. Pure.

Everything else is removed, known or not: EXIF, XMP, comments, thumbnails, previews, provenance, and
data after the picture's end. The compressed pixels stay unchanged. A file without other parts is
kept byte by byte. On a damaged file every function raises some exception.
"""

import re
import struct
from collections.abc import Iterator

_MARKER = re.compile(rb"\xff([^\0\xff])")
_MARKER_IN_SCAN = re.compile(rb"\xff[^\0\xd0-\xd7\xff]")  # neither a stuffed byte nor a restart
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})
_JPEG_MARKERS = frozenset(
    {*range(0xC0, 0xC8), *range(0xC9, 0xD0), *range(0xDA, 0xE0)}
)  # frames, tables, scans
_JPEG_ICC = b"ICC_PROFILE\0"
_PNG_CHUNKS = frozenset(
    (
        b"IHDR PLTE IDAT IEND tRNS cHRM gAMA iCCP sBIT sRGB cICP mDCV cLLI bKGD hIST pHYs "
        b"acTL fcTL fdAT"
    ).split()
)
# How often an animation is shown: two bytes follow.
_GIF_LOOPS = (b"\x21\xff\x0bNETSCAPE2.0\3\1", b"\x21\xff\x0bANIMEXTS1.0\3\1")
_WEBP_CHUNKS = frozenset({b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"})
_WEBP_TELLING = 0x04 | 0x08  # flags in VP8X: there is XMP, there is EXIF
_AVIF_TELLING = re.compile(rb"infe(?:.{8}|.{10})(?:Exif|mime|uri )|udta|uuid", re.DOTALL)
_AVIF_BOXES = frozenset({b"ftyp", b"meta", b"moov", b"mdat"})


def shown(kind: str, data: bytes) -> bytes:
    """The file with only the shown parts.
    `kind` is Pillow's name of the format: JPEG, PNG, GIF, WEBP or AVIF.
    """
    return b"".join(_PARTS[kind](data))


def is_lossless(webp: bytes) -> bool:
    """Whether all frames of a WebP file are coded without loss."""
    frames = list(_riff(webp, 12, _riff_end(webp)))
    kinds = {kind for kind, _ in frames}
    for kind, part in frames:
        if kind == b"ANMF":
            kinds |= {inner for inner, _ in _riff(part, 16, len(part))}
    return b"VP8L" in kinds and b"VP8 " not in kinds


def tells(avif: bytes) -> bool:
    """Whether an AVIF file holds EXIF, XMP or other items in the boxes that are kept.
    Only writing it again helps.
    """
    return any(box[4:8] != b"mdat" and _AVIF_TELLING.search(box) for box in _avif(avif))


def _jpeg(data: bytes) -> Iterator[bytes]:
    yield data[:2]
    at = 2
    while (found := _MARKER.search(data, at)) and found[1] != b"\xd9":
        at, marker = found.start(1) - 1, found[1][0]
        if marker in _WITHOUT_LENGTH:
            at += 2
            continue
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4])
        yield _jpeg_segment(marker, data[at:end])
        if marker == 0xDA:
            scan = _MARKER_IN_SCAN.search(data, end)
            at, end = end, scan.start() if scan else len(data)
            yield data[at:end]
        at = end
    yield b"\xff\xd9"


def _jpeg_segment(marker: int, segment: bytes) -> bytes:
    content = segment[4:]
    if marker == 0xE0 and content.startswith(b"JFIF\0"):
        # Without its thumbnail.
        return segment if len(content) == 14 else segment[:2] + b"\0\x10" + content[:12] + b"\0\0"
    icc, adobe = (
        marker == 0xE2 and content.startswith(_JPEG_ICC),
        marker == 0xEE and content.startswith(b"Adobe"),
    )
    return segment if marker in _JPEG_MARKERS or icc or adobe else b""


def _png(data: bytes) -> Iterator[bytes]:
    yield data[:8]
    at, kind = 8, b""
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, at)
        if kind in _PNG_CHUNKS:
            yield data[at : at + 12 + length]
        at += 12 + length


def _gif(data: bytes) -> Iterator[bytes]:
    at = 13 + _colours(data[10])
    yield data[:at]
    while at < len(data) and data[at] != 0x3B:
        begin, label = at, data[at : at + 2]
        if label[0] == 0x2C:
            at = _blocks_end(data, at + 11 + _colours(data[at + 9]))
            yield data[begin:at]
        elif label[0] == 0x21:
            at = _blocks_end(data, at + 2)
            if label[1] == 0xF9:
                yield data[begin : begin + 7] + b"\0"
            elif data.startswith(_GIF_LOOPS, begin):
                yield data[begin : begin + 18] + b"\0"
        else:
            at += 1  # decoders skip such bytes
    yield b"\x3b"


def _colours(flags: int) -> int:
    """Bytes of the table of colours that `flags` announce."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _blocks_end(data: bytes, at: int) -> int:
    while data[at]:
        at += 1 + data[at]
    return at + 1


def _webp(data: bytes) -> Iterator[bytes]:
    chunks = b"".join(_webp_chunk(kind, part) for kind, part in _riff(data, 12, _riff_end(data)))
    yield b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WEBP" + chunks


def _webp_chunk(kind: bytes, part: bytes) -> bytes:
    if kind not in _WEBP_CHUNKS:
        return b""
    if kind == b"VP8X":
        part = bytes([part[0] & ~_WEBP_TELLING]) + part[1:]
    elif kind == b"ANMF":
        part = part[:16] + b"".join(_webp_chunk(*inner) for inner in _riff(part, 16, len(part)))
    return kind + struct.pack("<I", len(part)) + part + b"\0" * (len(part) % 2)


def _riff_end(data: bytes) -> int:
    return min(len(data), 8 + int(struct.unpack_from("<I", data, 4)[0]))


def _riff(data: bytes, at: int, end: int) -> Iterator[tuple[bytes, bytes]]:
    """Names and contents of the chunks between `at` and `end`."""
    while at + 8 <= end:
        kind, length = struct.unpack_from("<4sI", data, at)
        yield kind, data[at + 8 : at + 8 + length]
        at += 8 + length + length % 2


def _avif(data: bytes) -> Iterator[bytes]:
    """Boxes between others are blanked, because offsets in the file count from its beginning."""
    boxes, end, at = list[bytes](), 0, 0
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        if length == 1:
            length = int.from_bytes(data[at + 8 : at + 16])
        length = length or len(data) - at
        if length < 8 or at + length > len(data):
            break
        if kind in _AVIF_BOXES:
            boxes.append(data[at : at + length])
            end = len(boxes)
        else:
            boxes.append(struct.pack(">I4s", length, b"free").ljust(length, b"\0"))
        at += length
    yield from boxes[:end]


_PARTS = {"JPEG": _jpeg, "PNG": _png, "GIF": _gif, "WEBP": _webp, "AVIF": _avif}
