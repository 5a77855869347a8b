"""Random and hostile properties of messages, and the time of decoding."""

import struct
import time
from collections.abc import Callable

from aio_pika.message import IncomingMessage
from hypothesis import given
from hypothesis import strategies as st
from pamqp import commands, decode, frame
from pamqp.header import ContentHeader

from luotdoc_subscriber.parking import (
    parked_headers,
    parked_since,
    reason_parked,
)
from luotdoc_subscriber.rabbit.properties import Unreadable
from tests.support.frames import arrived, properties, short
from tests.support.hostile_messages import Maker


def test_the_time_of_decoding_has_a_bound() -> None:
    """Measured beside pamqp alone, which takes six times as long."""
    table = (short(b"") + b"V") * 60_000
    raw, alone = properties(table), struct.pack(">I", len(table)) + table
    assert quickest(lambda: arrived(raw)) < 0.8 * quickest(lambda: decode.field_table(alone))


def quickest(work: Callable[[], object]) -> float:
    """Seconds of CPU that `work` takes: the least of three."""
    took = []
    for _ in range(3):
        began = time.process_time()
        work()
        took.append(time.process_time() - began)
    return min(took)


@given(st.binary(max_size=400))
def test_random_bytes_always_arrive_and_can_be_parked(raw: bytes) -> None:
    park(arrived(raw))


@given(st.integers(0, 1 << 60))
def test_hostile_properties_always_arrive_and_can_be_parked(seed: int) -> None:
    maker = Maker(seed)
    for _ in range(5):
        park(arrived(maker.next().raw))


def park(message: IncomingMessage) -> None:
    headers = parked_headers(message.headers, "unreadable", "tại sao", "2026-11-23T07:05:00.000Z")
    written = frame.marshal(ContentHeader(0, 0, commands.Basic.Properties(headers=headers)), 1)
    assert len(written) < 120_000
    again = frame.unmarshal(written)[2]
    assert not isinstance(again.properties.headers, Unreadable)  # type: ignore[union-attr]
    assert again.properties.headers["x-luotdoc-detail"] == "tại sao"  # type: ignore[index,union-attr]
    reason_parked(message), parked_since(message)
