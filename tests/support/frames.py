"""A publisher that writes AMQP frames itself: clients encode properties properly, strangers
don't.
"""

import socket
import struct
from types import TracebackType
from typing import Any, cast
from urllib.parse import unquote, urlsplit

from aio_pika.message import IncomingMessage
from aiormq.abc import DeliveredMessage
from pamqp import commands, frame

FRAME_MAX = 131_072


class Refused(Exception):
    """RabbitMQ closed the channel or the connection: it does not take such a message."""


def short(text: bytes) -> bytes:
    """A short string: one byte of length."""
    return bytes([len(text)]) + text


def long(text: bytes) -> bytes:
    """A long string, or the bytes of a table or list: four bytes of length."""
    return struct.pack(">I", len(text)) + text


def properties(headers: bytes | None = None, **values: bytes) -> bytes:
    """A property list: `headers` is the bytes of the table's entries, the others stand as they are
    on the wire.
    """
    kinds = commands.Basic.Properties
    given = values if headers is None else {**values, "headers": long(headers)}
    flags = sum(kinds.flags[name] for name in given)
    return struct.pack(">H", flags) + b"".join(
        given[name] for name in kinds.__slots__ if name in given
    )


def arrived(raw: bytes) -> IncomingMessage:
    """The message as our consumers get it, from the bytes of its content header's frame."""
    payload = struct.pack(">HHQ", 60, 0, 4) + raw
    data = struct.pack(">BHI", 2, 1, len(payload)) + payload + b"\xce"
    consumed, number, content = frame.unmarshal(data)
    assert (consumed, number, content.body_size) == (len(data), 1, 4)  # type: ignore[union-attr]
    delivery = commands.Basic.Deliver("tag", 7, False, "", "queue")
    header, channel = cast(Any, content), cast(Any, _Channel())
    return IncomingMessage(
        DeliveredMessage(delivery=delivery, header=header, body=b"body", channel=channel)
    )


class _Channel:
    is_closed = False


class RawPublisher:
    """One connection and channel, with confirms, on a blocking socket."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._socket = socket.create_connection(
            (parts.hostname or "127.0.0.1", parts.port or 5672), timeout=20
        )
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""
        self.sent = self.confirmed = 0
        try:
            self._socket.sendall(b"AMQP\0\0\x09\x01")
            self._expect(commands.Connection.Start)
            login = f"\0{unquote(parts.username or 'guest')}\0{unquote(parts.password or 'guest')}"
            self._method(0, commands.Connection.StartOk({}, "PLAIN", login, "en_US"))
            self._expect(commands.Connection.Tune)
            self._method(0, commands.Connection.TuneOk(10, FRAME_MAX, 0))
            self._method(0, commands.Connection.Open(unquote(parts.path[1:]) or "/"))
            self._expect(commands.Connection.OpenOk)
            self._method(1, commands.Channel.Open())
            self._expect(commands.Channel.OpenOk)
            self._method(1, commands.Confirm.Select())
            self._expect(commands.Confirm.SelectOk)
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> "RawPublisher":
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the connection, without a word."""
        self._socket.close()

    def send(self, exchange: str, key: bytes, raw: bytes, body: bytes) -> None:
        """Publish a message whose property list is `raw`, flags first, without waiting for its
        confirm.
        """
        publish = struct.pack(">HHH", 60, 40, 0) + short(exchange.encode()) + short(key) + b"\0"
        frames = [_frame(1, publish), _frame(2, struct.pack(">HHQ", 60, 0, len(body)) + raw)]
        frames += [
            _frame(3, body[at : at + FRAME_MAX - 8]) for at in range(0, len(body), FRAME_MAX - 8)
        ]
        try:
            self._socket.sendall(b"".join(frames))
        except (BrokenPipeError, ConnectionResetError) as error:
            raise Refused(str(error)) from error
        self.sent += 1

    def wait(self) -> None:
        """Return when all that was sent is confirmed. Raises `Refused`."""
        while self.confirmed < self.sent:
            method = self._next()
            if isinstance(method, commands.Basic.Ack | commands.Basic.Nack):
                tag = int(method.delivery_tag or 0)
                self.confirmed = tag if method.multiple else self.confirmed + 1
            elif isinstance(method, commands.Channel.Close | commands.Connection.Close):
                raise Refused(f"{method.reply_code} {method.reply_text}")

    def publish(self, exchange: str, key: bytes, raw: bytes, body: bytes) -> None:
        """Publish, confirmed. Raises `Refused`."""
        self.send(exchange, key, raw, body)
        self.wait()

    def _method(self, channel: int, method: Any) -> None:
        self._socket.sendall(frame.marshal(method, channel))

    def _expect(self, kind: type) -> None:
        method = self._next()
        if not isinstance(method, kind):
            raise Refused(f"{method!r} instead of {kind.__name__}")

    def _next(self) -> Any:
        while True:
            if len(self._buffer) >= 8:
                (size,) = struct.unpack_from(">I", self._buffer, 3)
                if len(self._buffer) >= size + 8:
                    data, self._buffer = self._buffer[: size + 8], self._buffer[size + 8 :]
                    if data[0] != 8:  # a heartbeat
                        return frame.unmarshal(data)[2]
                    continue
            try:
                more = self._socket.recv(65536)
            except ConnectionResetError as error:
                raise Refused(str(error)) from error
            if not more:
                raise Refused("the connection was closed")
            self._buffer += more


def _frame(kind: int, payload: bytes) -> bytes:
    return struct.pack(">BHI", kind, 1, len(payload)) + payload + b"\xce"
