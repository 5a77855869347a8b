"""The trace context: what is taken, what is ignored, and what it does on its way."""

import json
import logging
from datetime import UTC, datetime
from typing import Any

import pytest

from luotdoc_events import events
from luotdoc_events.traceparent import is_sampled, trace_id, valid_traceparent
from luotdoc_subscriber.base.log import configure
from luotdoc_subscriber.base.tracing import (
    UNTRACED,
    current_traceparent,
    headers_of,
    in_recorded_trace,
    traceparent_of,
)

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SENT = f"00-{TRACE}-{SPAN}-01"

HOSTILE: list[object] = [
    None,
    "",
    b"",
    SENT.encode(),
    bytearray(SENT.encode()),
    55,
    [SENT],
    {"traceparent": SENT},
    SENT[:-1],
    f"{SENT} ",
    f" {SENT}",
    f"{SENT}\n",
    f"{SENT}-",
    f"{SENT}-more",
    SENT.upper(),
    SENT.replace("-", "_"),
    f"ff-{TRACE}-{SPAN}-01",
    f"00-{'0' * 32}-{SPAN}-01",
    f"00-{TRACE}-{'0' * 16}-01",
    f"00-{TRACE}-{SPAN}-0g",
    f"00-{TRACE}-{SPAN}",
    f"01-{TRACE}-{SPAN}-01-\x00",
    f"01-{TRACE}-{SPAN}-01-{'x' * 500}",
    SENT.replace("0", "٠"),
    "\udcff",
    f"{SENT},{SENT}",
]


@pytest.mark.parametrize("offered", HOSTILE)
def test_a_malformed_one_is_none(offered: object) -> None:
    assert valid_traceparent(offered) == ""
    assert traceparent_of({"traceparent": offered}, b"{}") == ""


@pytest.mark.parametrize(
    ("offered", "taken"),
    [
        (SENT, SENT),
        (f"00-{TRACE}-{SPAN}-00", f"00-{TRACE}-{SPAN}-00"),
        (f"00-{TRACE}-{SPAN}-03", f"00-{TRACE}-{SPAN}-03"),
        (f"00-{TRACE}-{SPAN}-ff", f"00-{TRACE}-{SPAN}-03"),  # flags that nobody knows yet
        (f"01-{TRACE}-{SPAN}-01", SENT),
        (f"cc-{TRACE}-{SPAN}-01-what-the-future-will-be-like", SENT),
    ],
)
def test_a_later_version_is_read_as_the_first(offered: str, taken: str) -> None:
    assert valid_traceparent(offered) == taken


def test_it_says_trace_and_sampling() -> None:
    assert trace_id(SENT) == TRACE
    assert trace_id("") == ""
    assert is_sampled(SENT)
    assert is_sampled(f"00-{TRACE}-{SPAN}-03")
    assert not is_sampled(f"00-{TRACE}-{SPAN}-02")
    assert not is_sampled("")


OTHER = f"00-{'1' * 32}-{SPAN}-00"


@pytest.mark.parametrize(
    ("headers", "body", "found"),
    [
        ({"traceparent": SENT}, {"traceparent": OTHER}, SENT),  # the last step goes before
        ({}, {"traceparent": SENT}, SENT),
        ({"traceparent": b"\xff"}, {"traceparent": SENT}, SENT),
        ({}, {"traceparent": 5}, ""),
        ({}, {"traceparent": None}, ""),
        ({}, {"data": {"traceparent": SENT}}, ""),  # an article's text is no context
        ({}, {"data": json.dumps({"traceparent": SENT})}, ""),
        ({}, [{"traceparent": SENT}], ""),
        ({}, {}, ""),
    ],
)
def test_a_message_has_it_in_its_header_or_in_its_event(
    headers: dict[str, object], body: object, found: str
) -> None:
    assert traceparent_of(headers, json.dumps(body).encode()) == found


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b'{"traceparent"',
        b'"traceparent"',
        b'{"traceparent": "\xff"}',
        b'"traceparent"' + b"[" * 200_000,
        b'{"traceparent": ' + b"[" * 200_000,
    ],
)
def test_a_body_that_is_no_event_has_none(body: bytes) -> None:
    assert traceparent_of({}, body) == ""


def test_without_a_tracer_it_is_handed_on() -> None:
    assert headers_of(UNTRACED.start("nothing")) == {}
    with UNTRACED.start("a message", "consumer", SENT) as span:
        assert current_traceparent.get() == SENT
        assert in_recorded_trace()
        with UNTRACED.start("what it leads to") as inner:
            assert headers_of(inner) == {"traceparent": SENT}
        span.note({"outcome": "handled"})
        span.rename("another")
        span.link(SENT)
    assert current_traceparent.get() == ""
    with pytest.raises(ValueError, match="wrong"), UNTRACED.start("it", parent=SENT):
        raise ValueError("wrong")
    assert current_traceparent.get() == ""
    assert UNTRACED.draw("a read", 0.0) is None
    assert not UNTRACED.on


NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def event(traceparent: str | None) -> events.Envelope:
    return events.envelope(
        events.ReadsCounted(items=[], complete_through=None),
        id="1", source="/luotdoc/counter", time=NOON, schemas="https://e.vn/schemas",
        traceparent=traceparent,
    )  # fmt: skip


def test_an_event_has_it_as_an_extension() -> None:
    sent: dict[str, Any] = json.loads(events.encode(event(SENT)))
    assert sent["traceparent"] == SENT
    assert events.decode(json.dumps(sent).encode())[0].traceparent == SENT
    for without in (None, ""):
        assert "traceparent" not in json.loads(events.encode(event(without)))


@pytest.mark.parametrize("offered", [5, None, [], {}, "", "x" * 10_000, "00-0-0-0"])
def test_a_malformed_one_keeps_no_event_from_being_read(offered: object) -> None:
    sent = json.loads(events.encode(event(None))) | {"traceparent": offered}
    assert events.decode(json.dumps(sent).encode())[0].traceparent is None


def test_a_line_of_the_log_has_the_trace_while_there_is_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        configure("ingest", "INFO")
        with UNTRACED.start("it", parent=SENT):
            logging.getLogger("luotdoc.test").info("within")
        logging.getLogger("luotdoc.test").info("after")
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
    _, within, after = map(json.loads, capsys.readouterr().out.splitlines())
    assert within["trace_id"] == TRACE
    assert "trace_id" not in after
