"""Message properties that pamqp can't read, and headers that it can't write.

pamqp decodes each frame below our code, and an error there ends the connection: the message comes again and the
consumer stands still for ever. RabbitMQ hands on many such properties, since it checks no UTF-8, no range of a time
and no depth. `install` makes pamqp hand them on too: the message arrives with `Unreadable` for its headers.

The names of pamqp that are replaced here are pinned by tests/unit/test_shared_properties.py.
"""

import struct
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from pamqp import commands, decode, encode, header

MAX_DECODED = 32 * 1024
"""Bytes of properties that are decoded. pamqp copies the rest of a table for each entry: its time grows with the
square of the size, and 128 KiB take seconds of the event loop."""
MAX_VALUE = 4 * 1024
"""Bytes of a table or list inside the headers of an unreadable message that are looked into."""
MAX_KEPT = 200
"""Headers that are kept of an unreadable message."""
MAX_DEPTH = 16
"""Tables within tables."""
MAX_SENT = 48 * 1024
"""Bytes of headers that we send on: with what we add, far below the frame's 128 KiB."""

STEERING = ("CC", "BCC")
"""Headers by which a publisher names more queues. A copy must not carry them on: it would go there again."""

_SIZES = {b"V": 0, b"\0": 0} | dict.fromkeys((b"t", b"b", b"B"), 1) | dict.fromkeys((b"s", b"u"), 2)
_SIZES |= dict.fromkeys((b"I", b"i", b"f"), 4) | {b"D": 5} | dict.fromkeys((b"l", b"L", b"d", b"T"), 8)
_LONG = (b"S", b"A", b"F", b"x")
_HEAD = struct.Struct(">HHQ")
_LENGTH = struct.Struct(">I")
_STREAM_OFFSET = b"x-stream-offset"
_NAMED_OFFSET = bytes([len(_STREAM_OFFSET)]) + _STREAM_OFFSET
"""RabbitMQ puts its own in the place of the first of a publisher's; of two, one may be anything."""


class Unreadable(dict[str, Any]):
    """The headers of a message whose properties can't be read: those that could be, each by itself."""

    def __init__(self, why: str, raw: bytes) -> None:
        """`raw` are the properties as they came: flags, then values, as AMQP 0-9-1 says in 4.2.6.1."""
        super().__init__()
        self.why, self.raw = why, raw

    def __bool__(self) -> bool:
        """True: aio-pika replaces headers that are false by a dict of its own."""
        return True


def install() -> None:
    """Teach pamqp, in this process; a repetition changes nothing."""
    header.ContentHeader.unmarshal = _unmarshal_header  # type: ignore[method-assign]
    for method in (commands.Basic.Deliver, commands.Basic.GetOk, commands.Basic.Return):
        method.unmarshal = _unmarshal_method  # type: ignore[method-assign]


_original: Callable[[header.ContentHeader, bytes], None] = header.ContentHeader.unmarshal


def _unmarshal_header(self: header.ContentHeader, data: bytes) -> None:
    raw = data[_HEAD.size :]
    try:
        if len(raw) > MAX_DECODED:
            raise ValueError(f"the properties have {len(raw)} bytes, more than {MAX_DECODED}")
        if raw.count(_NAMED_OFFSET) > 1 and _offsets(raw) > 1:  # a parked copy has such bytes within a header
            raise ValueError("x-stream-offset stands there twice")
        _original(self, data)
        _check(self.properties)
    except Exception as error:  # whatever decoding raises: among others RecursionError, OverflowError
        self.class_id, self.weight, self.body_size = _HEAD.unpack_from(data)
        self.properties = salvage(raw, f"{type(error).__name__}: {error!s:.200}")


def _check(properties: commands.Basic.Properties) -> None:
    """Refuse what pamqp takes and aio-pika's message then stumbles over: it would stay unsettled for ever."""
    if properties.delivery_mode not in (None, 1, 2):
        raise ValueError(f"delivery_mode is {properties.delivery_mode}")
    if properties.expiration is not None and not _is_number(properties.expiration):
        raise ValueError(f"expiration is {properties.expiration!r:.100}")


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 20


def _unmarshal_method(self: Any, data: bytes) -> None:
    """As pamqp, but with a routing key or exchange that is no UTF-8 escaped. We use neither."""
    for name in self.__slots__:
        kind = self.amqp_type(name)
        if kind == "shortstr":
            consumed = data[0] + 1
            value: Any = data[1:consumed].decode(errors="backslashreplace")
        elif kind == "bit":  # these methods have single ones
            consumed, value = 1, bool(data[0] & 1)
        else:
            consumed, value = decode.by_type(data, kind)
        setattr(self, name, value)
        data = data[consumed:]


def salvage(raw: bytes, why: str) -> commands.Basic.Properties:
    """What can be read of `raw`, property by property; `headers` is an `Unreadable`."""
    found, kept = commands.Basic.Properties(), Unreadable(why, raw)
    found.headers = kept
    try:
        at, flags = header.ContentHeader._get_flags(raw)
        for name in found.__slots__:
            if flags & found.flags[name]:
                at = _salvage_one(found, kept, name, raw, at)
    except (ValueError, IndexError, struct.error):
        pass  # cut off: where the next property begins is unknown
    return found


def _salvage_one(found: commands.Basic.Properties, kept: Unreadable, name: str, raw: bytes, at: int) -> int:
    """Read the property `name` that begins at `at`; answers where the next one begins."""
    kind = found.amqp_type(name)
    end: int
    if kind == "table":
        end = at + 4 + _LENGTH.unpack_from(raw, at)[0]
        _salvage_table(kept, raw[at + 4 : end])
        return end
    end = at + {"octet": 1, "timestamp": 8, "shortstr": 1 + raw[at]}[kind]
    if end > len(raw):
        raise ValueError("cut off")
    try:
        _, value = decode.by_type(raw[at:end], kind)
    except (ValueError, OverflowError, OSError):
        return end
    if not (name == "delivery_mode" and value not in (1, 2)) and not (
        name == "expiration" and not _is_number(str(value))
    ):
        setattr(found, name, value)
    return end


def _salvage_table(kept: Unreadable, table: bytes) -> None:
    offsets = 0
    for seen, (name, value) in enumerate(_entries(table)):
        if name == _STREAM_OFFSET:
            offsets += 1
        elif seen >= MAX_KEPT:
            continue
        _salvage_value(kept, name.decode(errors="backslashreplace"), value)
    if offsets > 1:
        kept.pop(_STREAM_OFFSET.decode(), None)  # the place of the message is counted instead


def _entries(table: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name and value, with its type, of each whole entry, as far as it is known where one begins."""
    at = 0
    while at < len(table):
        begin = at + 1 + table[at]
        kind = table[begin : begin + 1]
        if kind in _LONG:
            end = begin + 5 + _LENGTH.unpack_from(table, begin + 1)[0]
        elif kind in _SIZES:
            end = begin + 1 + _SIZES[kind]
        else:
            return  # of a type that we don't know
        if end <= len(table):
            yield table[at + 1 : begin], table[begin:end]
        at = end


def _offsets(raw: bytes) -> int:
    """How often the headers of readable properties name the stream's offset."""
    at, flags = header.ContentHeader._get_flags(raw)
    known = commands.Basic.Properties.flags
    for name in ("content_type", "content_encoding"):  # they stand before the headers
        if flags & known[name]:
            at += 1 + raw[at]
    if not flags & known["headers"]:
        return 0
    end = at + 4 + _LENGTH.unpack_from(raw, at)[0]
    return sum(name == _STREAM_OFFSET for name, _ in _entries(raw[at + 4 : end]))


def _salvage_value(kept: Unreadable, name: str, value: bytes) -> None:
    if value[:1] in (b"A", b"F") and len(value) > MAX_VALUE:
        return
    try:
        kept[name] = decode.embedded_value(value)[1]
    except Exception:
        kept.pop(name, None)  # the raw properties have it


def sendable(headers: Mapping[str, Any]) -> dict[str, Any]:
    """`headers` as pamqp can write them, and no more than `MAX_SENT` bytes: what is too large is left out.

    Left out are also the headers that steer a message into other queues.
    """
    sent: dict[str, Any] = {}
    size = 0
    for name, value in headers.items():
        if name.upper() in STEERING:
            continue
        key, plain = _key(name), _plain(value)
        length = len(encode.field_table({key: plain}))
        if size + length <= MAX_SENT:
            sent[key] = plain
            size += length
    return sent


def _key(name: str) -> str:
    return name.encode(errors="backslashreplace")[:128].decode(errors="ignore")


def _plain(value: Any, depth: int = 0) -> Any:
    if isinstance(value, dict) and depth < MAX_DEPTH:
        return {_key(str(name)): _plain(each, depth + 1) for name, each in value.items()}
    if isinstance(value, list) and depth < MAX_DEPTH:
        return [_plain(each, depth + 1) for each in value]
    if isinstance(value, bytes):
        return bytearray(value)
    if isinstance(value, (dict, list)):
        return "nested too deeply"
    try:
        encode.encode_table_value(value)
    except (TypeError, ValueError, OverflowError, ArithmeticError, struct.error):
        return str(value)[:200] if isinstance(value, (int, float, Decimal, datetime)) else type(value).__name__
    return value
