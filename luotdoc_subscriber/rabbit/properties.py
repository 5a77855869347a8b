"""Handles message properties that pamqp can't decode, and headers that it can't encode.

pamqp decodes each frame before our code sees it, and an error there closes the connection. Then the
message is delivered again, and the consumer never gets past it. RabbitMQ passes such properties on,
because it checks neither UTF-8, nor the range of times, nor the depth of tables. After `install`
pamqp passes them on too: the message arrives with `Unreadable` as its headers.

tests/unit/test_shared_properties.py pins the names of pamqp that are replaced here.
Long because all that reaches into pamqp stands in one module.
"""

import struct
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from pamqp import commands, decode, encode, header

MAX_DECODED = 32 * 1024
"""Upper bound for the bytes of properties that are decoded. pamqp copies the rest of a table for
each entry, so its time grows with the square of the size: 128 KiB would block the event loop for
seconds."""
MAX_VALUE = 4 * 1024
"""Upper bound for the bytes of a table or list that
is decoded in the headers of an unreadable message."""
MAX_KEPT = 200
"""Upper bound for the headers that are kept of an unreadable message."""
MAX_DEPTH = 16
"""Upper bound for the depth of tables within tables."""
MAX_SENT = 48 * 1024
"""Upper bound for the bytes of headers that a copy carries;
with ours they must fit into a frame of 128 KiB."""

STEERING = ("CC", "BCC")
"""Headers that route a message to more queues.
A copy must not carry them: it would be routed there again."""

_SIZES = {b"V": 0, b"\0": 0} | dict.fromkeys((b"t", b"b", b"B"), 1) | dict.fromkeys((b"s", b"u"), 2)
_SIZES |= (
    dict.fromkeys((b"I", b"i", b"f"), 4) | {b"D": 5} | dict.fromkeys((b"l", b"L", b"d", b"T"), 8)
)
_LONG = (b"S", b"A", b"F", b"x")
_HEAD = struct.Struct(">HHQ")
_LENGTH = struct.Struct(">I")
_STREAM_OFFSET = b"x-stream-offset"
_NAMED_OFFSET = bytes([len(_STREAM_OFFSET)]) + _STREAM_OFFSET
"""RabbitMQ overwrites a publisher's first header of this name,
but not a second one, which may be anything."""


class Unreadable(dict[str, Any]):
    """The readable headers of a message whose properties can't be decoded as a whole."""

    def __init__(self, why: str, raw: bytes) -> None:
        """`why` is the fault. `raw` are the original properties:
        flags, then values (AMQP 0-9-1, 4.2.6.1).
        """
        super().__init__()
        self.why, self.raw = why, raw

    def __bool__(self) -> bool:
        """Always True: aio-pika replaces falsy headers by a new dict, and the mark would be
        lost.
        """
        return True


def install() -> None:
    """Patch pamqp in this process. Idempotent."""
    header.ContentHeader.unmarshal = _unmarshal_header  # type: ignore[method-assign]
    for method in (commands.Basic.Deliver, commands.Basic.GetOk, commands.Basic.Return):
        method.unmarshal = _unmarshal_method  # type: ignore[method-assign]
    # aiormq tells why RabbitMQ has refused a connection by this text alone.
    commands.Connection.Close.__repr__ = _closed  # type: ignore[assignment,method-assign]


def _closed(self: commands.Connection.Close) -> str:
    return f"<Connection.Close {self.reply_code}: {self.reply_text}>"


def encoded(headers: Mapping[str, Any]) -> bytes:
    """The properties of a message with `headers`, as on the wire. Raises TypeError, ValueError."""
    return commands.Basic.Properties(headers=dict(headers)).marshal()


def headers_in(raw: bytes) -> dict[str, Any]:
    """The headers of a message with the properties `raw`, as a consumer gets them: an `Unreadable`
    if the properties can't be decoded.
    """
    content = header.ContentHeader()
    _unmarshal_header(content, _HEAD.pack(60, 0, 0) + raw)
    return content.properties.headers or {}


_original: Callable[[header.ContentHeader, bytes], None] = header.ContentHeader.unmarshal


def _unmarshal_header(self: header.ContentHeader, data: bytes) -> None:
    raw = data[_HEAD.size :]
    try:
        if len(raw) > MAX_DECODED:
            raise ValueError(f"the properties have {len(raw)} bytes, more than {MAX_DECODED}")
        if (
            raw.count(_NAMED_OFFSET) > 1 and _offsets(raw) > 1
        ):  # a parked copy has such bytes within a header
            raise ValueError("x-stream-offset is given twice")
        _original(self, data)
        _check(self.properties)
    except (
        Exception
    ) as error:  # whatever decoding raises: among others RecursionError, OverflowError
        self.class_id, self.weight, self.body_size = _HEAD.unpack_from(data)
        self.properties = salvage(raw, f"{type(error).__name__}: {error!s:.200}")


def _check(properties: commands.Basic.Properties) -> None:
    """Raises ValueError for values that pamqp accepts and aio-pika's message doesn't:
    it would never be settled.
    """
    if properties.delivery_mode not in (None, 1, 2):
        raise ValueError(f"delivery_mode is {properties.delivery_mode}")
    if properties.expiration is not None and not _is_number(properties.expiration):
        raise ValueError(f"expiration is {properties.expiration!r:.100}")


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 20


def _unmarshal_method(self: Any, data: bytes) -> None:
    """Decode as pamqp does, but escape a routing key or exchange that is not UTF-8.
    We don't use either.
    """
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
    """The properties in `raw` that can be decoded one by one; `headers` is an `Unreadable`."""
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


def _salvage_one(
    found: commands.Basic.Properties, kept: Unreadable, name: str, raw: bytes, at: int
) -> int:
    """Decode the property `name` that begins at `at`. Answers where the next one begins."""
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
    """Name and raw value (type and bytes) of each complete entry, up to the first of unknown
    type.
    """
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
    """How often the header `x-stream-offset` occurs in readable properties."""
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
    """`headers` in a form that pamqp can encode, at most `MAX_SENT` bytes.

    Leaves out values that are too large, and headers that route a message to other queues.
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
        return (
            str(value)[:200]
            if isinstance(value, (int, float, Decimal, datetime))
            else type(value).__name__
        )
    return value
