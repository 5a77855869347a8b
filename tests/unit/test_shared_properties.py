"""Properties that pamqp can't read arrive marked;
headers that it can't write are made so that it can.

These tests fail when pamqp, aiormq or aio-pika change what
luotdoc_subscriber/rabbit/properties.py builds on.
"""

import struct
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from aio_pika.message import IncomingMessage
from pamqp import commands, encode, frame

from luotdoc_subscriber.parking import (
    MAX_RAW,
    PROPERTIES,
    parked_headers,
    parked_since,
    passed_on,
    reason_parked,
)
from luotdoc_subscriber.rabbit.properties import (
    MAX_DECODED,
    MAX_SENT,
    Unreadable,
    install,
    sendable,
)
from tests.support.frames import arrived, long, properties, short

install()

WHOLE = short(b"batch_id") + b"S" + long(b"e1")


def deep(levels: int) -> bytes:
    value = b"V"
    for _ in range(levels):
        value = b"A" + long(value)
    return short(b"deep") + value


def test_of_two_stream_offsets_neither_is_believed() -> None:
    """RabbitMQ writes its own over the first of a publisher's;
    the second says whatever the publisher wants.
    """
    one = short(b"x-stream-offset") + b"l" + struct.pack(">q", 7)
    assert arrived(properties(WHOLE + one)).headers == {"batch_id": "e1", "x-stream-offset": 7}
    for times in (2, 3):
        twice = arrived(properties(WHOLE + one * times)).headers
        assert isinstance(twice, Unreadable)
        assert (dict(twice), twice.why) == (
            {"batch_id": "e1"},
            "ValueError: x-stream-offset is given twice",
        )
        within = WHOLE + short(b"kept") + b"x" + long(one * times)
        for kind in ({}, {"content_type": short(b"x" * 15), "content_encoding": short(b"y")}):
            assert not isinstance(arrived(properties(within + one, **kind)).headers, Unreadable)


def test_what_can_be_read_is_left_to_pamqp() -> None:
    message = arrived(properties(WHOLE, message_id=short("bài".encode()), delivery_mode=b"\2"))
    assert (message.message_id, message.headers, message.delivery_mode) == (
        "bài",
        {"batch_id": "e1"},
        2,
    )
    assert not isinstance(message.headers, Unreadable)


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        *(
            (properties(WHOLE, **{name: short(b"\xff")}), "UnicodeDecodeError")
            for name in (
                "content_type",
                "content_encoding",
                "correlation_id",
                "reply_to",
                "expiration",
                "message_id",
                "message_type",
                "user_id",
                "app_id",
                "cluster_id",
            )
        ),
        (properties(WHOLE + short(b"\xff") + b"V"), "UnicodeDecodeError"),
        (properties(WHOLE, timestamp=struct.pack(">Q", 1 << 62)), "year 146140482 is out of range"),
        (properties(WHOLE, timestamp=b"\xff" * 8), "Error"),
        (properties(WHOLE + short(b"t") + b"T" + b"\xff" * 8), "Error"),
        (properties(WHOLE + short(b"u") + b"U\0\1"), "Unknown type: b'U'"),
        (properties(WHOLE + deep(2000)), "RecursionError"),
        (
            properties(WHOLE + short(b"s") + b"S" + long(b"x" * MAX_DECODED)),
            f"more than {MAX_DECODED}",
        ),
        (properties(WHOLE, delivery_mode=b"\7"), "delivery_mode is 7"),
        (properties(WHOLE, expiration=short(b"nan")), "expiration is 'nan'"),
        (properties(WHOLE, expiration=short("٣".encode())), "expiration is"),
        (properties(WHOLE) + b"", ""),
    ][:-1],
)
def test_what_cannot_be_read_arrives_with_the_headers_that_can(raw: bytes, why: str) -> None:
    message = arrived(raw)
    assert isinstance(message.headers, Unreadable)
    assert message.headers["batch_id"] == "e1"
    assert message.headers.raw == raw
    assert why in message.headers.why
    assert (message.body, message.delivery_tag) == (b"body", 7)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x80",
        b"\xff\xfe",
        b"\0\1\0\1",
        properties()[:1],
        struct.pack(">H", 8192) + b"\xff\xff\xff\xff",
        struct.pack(">H", 128) + b"\x50ab",
        struct.pack(">H", 64) + b"\0",
    ],
)
def test_what_is_cut_off_arrives_without_headers(raw: bytes) -> None:
    message = arrived(raw)
    if message.headers != {}:
        raise AssertionError(message.headers)
    assert isinstance(message.headers, Unreadable) or message.message_id == "ab"


@pytest.mark.parametrize(
    "method",
    [
        commands.Basic.Deliver("tag", 1 << 40, True, "luotdoc.events", "article.x"),
        commands.Basic.GetOk(1 << 40, False, "luotdoc.events", "article.x", 12),
        commands.Basic.Return(312, "NO_ROUTE", "luotdoc.events", "article.x"),
    ],
)
def test_a_routing_key_that_is_no_text_arrives_escaped(method: Any) -> None:
    data = frame.marshal(method, 1)
    same = frame.unmarshal(data)[2]
    assert {name: getattr(same, name) for name in method.__slots__} == {
        name: getattr(method, name) for name in method.__slots__
    }
    spoilt: Any = frame.unmarshal(data.replace(b"article.x", b"article.\xff"))[2]
    assert spoilt.routing_key == r"article.\xff"
    assert spoilt.exchange == "luotdoc.events"


def test_a_parked_copy_has_the_bytes() -> None:
    raw = properties(message_id=short(b"\xff"))
    headers = parked_headers(arrived(raw).headers, "unreadable", "x", "2026-11-23T07:05:00.000Z")
    assert headers[PROPERTIES] == bytearray(raw)
    large = properties(short(b"s") + b"S" + long(b"x" * 100_000))
    assert len(parked_headers(arrived(large).headers, "unreadable", "x", "")[PROPERTIES]) == MAX_RAW


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (b"\xff", bytearray(b"\xff")),
        ({"a": b"\xff", "b": [b"\0"]}, {"a": bytearray(b"\xff"), "b": [bytearray(b"\0")]}),
        (Decimal("-1.5"), Decimal("-1.5")),
        (Decimal(1 << 40), str(1 << 40)),
        (Decimal("NaN"), "NaN"),
        (1e300, "1e+300"),
        (1 << 63, str(1 << 63)),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01 00:00:00+00:00"),
        (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)),
        (None, None),
        (True, True),
        ({1, 2}, "set"),
    ],
)
def test_header_values_that_pamqp_cannot_write(value: Any, sent: Any) -> None:
    assert sendable({"x": value}) == {"x": sent}
    encode.field_table(sendable({"x": value}))


def test_headers_are_sent_on_up_to_a_size_and_a_depth() -> None:
    assert sendable({"large": "x" * MAX_SENT, "small": 1}) == {"small": 1}
    assert list(sendable({"đ" * 200: 1})) == ["đ" * 64]
    value: Any = 1
    for _ in range(500):
        value = [value]
    assert "nested too deeply" in str(sendable({"x": value}))


def test_a_copy_goes_into_no_queue_that_its_headers_name() -> None:
    """RabbitMQ routes by CC and BCC:
    a parked copy with them would come back to the work queue, for ever.
    """
    assert passed_on(
        {"CC": ["counter.reads"], "BCC": ["x"], "cc": 1, "x-death": [], "x-own": 1}
    ) == {"x-own": 1}


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-23T07:05:00",
        "x",
        "",
        None,
        5,
        b"\xff",
        {"a": 1},
        "9" * 5000,
        "2026-11-23",
        "0000-01-01T00:00Z",
    ],
)
def test_a_time_of_parking_without_a_zone_is_none(value: Any) -> None:
    assert parked_since(_with(**{"x-luotdoc-parked-at": value})) is None


def test_a_time_of_parking() -> None:
    message = _with(**{"x-luotdoc-parked-at": "2026-11-23T07:05:00.000Z"})
    assert parked_since(message) == datetime(2026, 11, 23, 7, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({}, "dead_letter"),
        ({"x-luotdoc-reason": "bad_body"}, "bad_body"),
        ({"x-luotdoc-reason": 'a"\n'}, "other"),
        ({"x-luotdoc-reason": b"\xff"}, "other"),
        ({"x-luotdoc-reason": "a" * 41}, "other"),
    ],
)
def test_the_reason_of_parking_is_a_short_word(headers: dict[str, Any], reason: str) -> None:
    assert reason_parked(_with(**headers)) == reason


def test_an_unreadable_message_that_was_dead_lettered() -> None:
    assert reason_parked(arrived(properties(message_id=short(b"\xff")))) == "unreadable"


def _with(**headers: Any) -> IncomingMessage:
    message = arrived(properties())
    message.headers = headers
    return message
