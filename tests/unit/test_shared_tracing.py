"""Whether and what is traced: the standard variables, sampling, spans and their contexts."""

import ast
import logging
import os
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind, StatusCode
from pydantic import ValidationError
from pymongo.monitoring import CommandStartedEvent

from luotdoc_events.traceparent import is_sampled, trace_id
from luotdoc_subscriber.base.tracing import UNTRACED, current_traceparent
from shared.base.spans import OnceAMinute
from shared.base.tracing import TracingSettings, make_tracer
from shared.storage.command_spans import CommandSpans
from shared.web.asgi import Receive, Scope, Send, respond
from shared.web.traced import traced
from tests.support.recorder import Recorder, links_of, parent_of
from tests.support.sources import tree
from tests.unit.test_imports import MODULES, imports

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SENT = f"00-{TRACE}-{SPAN}-01"
UNSAMPLED = f"00-{TRACE}-{SPAN}-00"
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


@pytest.fixture(autouse=True)
def standard(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """No standard variable is set."""
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        monkeypatch.delenv(name)
    return monkeypatch


# Settings
def test_off_is_the_default() -> None:
    assert not TracingSettings().traced
    assert make_tracer("ingest", TracingSettings()) is UNTRACED


@pytest.mark.parametrize(
    ("variables", "traced"),
    [
        ({ENDPOINT: "http://collector:4318"}, True),
        ({ENDPOINT: " https://[fd00::1]:4318/otlp "}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318/v1/traces"}, True),
        ({ENDPOINT: ""}, False),
        ({"OTEL_SDK_DISABLED": "false"}, False),
        ({ENDPOINT: "http://c", "OTEL_SDK_DISABLED": "True"}, False),
        ({ENDPOINT: "http://c", "OTEL_SDK_DISABLED": "false"}, True),
        ({ENDPOINT: "http://c", "OTEL_SDK_DISABLED": ""}, True),
        ({ENDPOINT: "http://c", "OTEL_TRACES_EXPORTER": "none"}, False),
        ({ENDPOINT: "http://c", "OTEL_TRACES_EXPORTER": "OTLP"}, True),
    ],
)
def test_an_address_turns_it_on(
    standard: pytest.MonkeyPatch, variables: dict[str, str], traced: bool
) -> None:
    for name, value in variables.items():
        standard.setenv(name, value)
    assert TracingSettings().traced is traced


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (ENDPOINT, "collector:4318"),
        (ENDPOINT, "grpc://collector:4317"),
        (ENDPOINT, "http://"),
        (ENDPOINT, "http://c:0"),
        (ENDPOINT, "http://c:99999"),
        (ENDPOINT, "http://c d"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "/v1/traces"),
        ("OTEL_SDK_DISABLED", "1"),
        ("OTEL_TRACES_EXPORTER", "console"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json"),
        ("OTEL_TRACES_SAMPLER", "sometimes"),
        ("OTEL_TRACES_SAMPLER_ARG", "1%"),
        ("OTEL_TRACES_SAMPLER_ARG", "1.5"),
        ("OTEL_TRACES_SAMPLER_ARG", "-0.1"),
        ("OTEL_TRACES_SAMPLER_ARG", "nan"),
    ],
)
def test_a_wrong_value_is_told_by_its_name(
    standard: pytest.MonkeyPatch, name: str, value: str
) -> None:
    standard.setenv(name, value)
    with pytest.raises(ValidationError) as refused:
        TracingSettings()
    assert [fault["loc"] for fault in refused.value.errors()] == [(name,)]


@pytest.mark.parametrize(
    ("sampler", "argument", "share"),
    [
        (None, None, 1.0),
        (None, "0.5", 1.0),  # only the ratio samplers have an argument
        ("always_off", None, 0.0),
        ("parentbased_always_off", None, 0.0),
        ("traceidratio", "0.01", 0.01),
        ("PARENTBASED_TRACEIDRATIO", "0.25", 0.25),
        ("parentbased_traceidratio", "", 1.0),
    ],
)
def test_the_share_of_reads_is_the_samplers(
    standard: pytest.MonkeyPatch, sampler: str | None, argument: str | None, share: float
) -> None:
    for name, value in (("OTEL_TRACES_SAMPLER", sampler), ("OTEL_TRACES_SAMPLER_ARG", argument)):
        if value is not None:
            standard.setenv(name, value)
    assert TracingSettings().sampled_share == share


def test_the_sdk_is_imported_only_when_it_is_used() -> None:
    def importing(prefix: str) -> set[str]:
        return {
            name
            for name in MODULES
            if any(f"{each}.".startswith(f"{prefix}.") for each in imports(name))
        }

    assert importing("opentelemetry") == {"shared.base.spans"}
    assert importing("shared.base.spans") == {"shared.base.tracing"}
    at_import = tree(MODULES["shared.base.tracing"]).body
    assert "shared.base.spans" not in {
        node.module for node in at_import if isinstance(node, ast.ImportFrom)
    }


def test_what_the_sdk_refuses_ends_the_start(
    standard: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    standard.setenv(ENDPOINT, "http://127.0.0.1:9")
    standard.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "1")
    with pytest.raises(SystemExit) as stop:
        make_tracer("ingest", TracingSettings())
    assert stop.value.code == 2
    head, line = capsys.readouterr().err.splitlines()
    assert head == "The settings are not usable:"
    assert line.startswith("  OTEL_…: ")


# Spans
@pytest.fixture
def recorder() -> Iterator[Recorder]:
    recorder = Recorder()
    yield recorder
    recorder.tracer.close()


def test_a_step_belongs_to_the_trace_of_its_parent(recorder: Recorder) -> None:
    with recorder.tracer.start("handle", "consumer", SENT, links=[UNSAMPLED]) as outer:
        assert outer.recorded
        assert trace_id(outer.traceparent) == TRACE
        assert is_sampled(outer.traceparent)
        assert current_traceparent.get() == outer.traceparent
        with recorder.tracer.start("store", attributes={"luotdoc.reads": 3}) as inner:
            inner.link(SENT)
    assert current_traceparent.get() == ""
    store, handle = recorder.spans
    assert (store.name, parent_of(store)) == ("store", outer.traceparent[36:52])
    assert (handle.name, parent_of(handle), handle.kind) == ("handle", SPAN, SpanKind.CONSUMER)
    assert (links_of(handle), links_of(store)) == ([SPAN], [SPAN])
    assert dict(store.attributes or {}) == {"luotdoc.reads": 3}
    assert handle.resource.attributes["service.name"] == "luotdoc-test"


def test_a_service_may_have_another_name(standard: pytest.MonkeyPatch) -> None:
    standard.setenv("OTEL_SERVICE_NAME", "newsroom")
    recorder = Recorder()
    recorder.tracer.begin("GET").end()
    assert recorder.spans[0].resource.attributes["service.name"] == "newsroom"


def test_an_error_is_on_the_span(recorder: Recorder) -> None:
    with pytest.raises(LookupError), recorder.tracer.start("it", parent=SENT):
        raise LookupError("no such page")
    (span,) = recorder.spans
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description == "LookupError: no such page"


def test_no_trace_begins_in_the_middle(recorder: Recorder) -> None:
    with recorder.tracer.start("a look into the outbox") as span:
        assert (span.traceparent, span.recorded) == ("", False)
    assert recorder.spans == []


def test_what_is_not_sampled_is_handed_on_as_it_came(recorder: Recorder) -> None:
    with recorder.tracer.start("handle", "consumer", UNSAMPLED) as span:
        assert (span.traceparent, span.recorded) == (UNSAMPLED, False)
    assert recorder.spans == []


def test_the_sampler_decides_on_new_traces(standard: pytest.MonkeyPatch) -> None:
    standard.setenv("OTEL_TRACES_SAMPLER", "always_off")
    recorder = Recorder(0.0)
    with recorder.tracer.begin("GET") as span:
        assert (span.traceparent, span.recorded) == ("", False)
    assert [recorder.tracer.draw("POST /reads", 0.0) for _ in range(1000)] == [None] * 1000


@pytest.mark.parametrize("sampler", ["traceidratio", "parentbased_traceidratio"])
def test_reads_are_drawn_as_the_sampler_would_and_every_service_agrees(
    standard: pytest.MonkeyPatch, sampler: str
) -> None:
    standard.setenv("OTEL_TRACES_SAMPLER", sampler)
    standard.setenv("OTEL_TRACES_SAMPLER_ARG", "0.05")
    ingest, counter = Recorder(0.05), Recorder(0.05)
    drawn = [span for _ in range(4000) if (span := ingest.tracer.draw("POST /reads", 0.0))]
    assert 100 < len(drawn) < 320  # 200 on average, 14 of deviation
    for span in drawn:
        assert span.recorded
        assert counter.tracer.start("process", "consumer", span.traceparent).recorded
        span.end()
    assert len(ingest.spans) == len(
        {span.context.trace_id for span in ingest.spans if span.context}
    )


def test_the_exporter_is_told_of_once_a_minute() -> None:
    passes = OnceAMinute(lambda: now).filter
    line = logging.makeLogRecord({"msg": "Failed to export"})
    now = 1000.0
    assert [passes(line) for _ in range(3)] == [True, False, False]
    now = 1059.0
    assert not passes(line)
    now = 1060.0
    assert [passes(line), passes(line)] == [True, False]


# MongoDB
def command(name: str, value: object, request: int) -> CommandStartedEvent:
    return CommandStartedEvent({name: value, "filter": {"_id": "secret"}}, "luotdoc", request,
                               ("h", 1), request)  # fmt: skip


class Answer:
    """The event of an answered or failed command."""

    def __init__(self, request: int, **failure: object) -> None:
        self.request_id, self.failure = request, failure


def test_commands_are_spans_within_a_recorded_trace(recorder: Recorder) -> None:
    listener: Any = CommandSpans(recorder.tracer)
    listener.started(command("find", "pages", 1))  # of no trace
    listener.succeeded(Answer(1))
    with recorder.tracer.start("flush", parent=SENT) as flush:
        listener.started(command("update", "counts", 2))
        listener.started(command("commitTransaction", 1, 3))
        listener.failed(Answer(3, code=112, codeName="WriteConflict"))
        listener.succeeded(Answer(2))
    commit, update, _ = recorder.spans
    assert (update.name, parent_of(update)) == ("update counts", flush.traceparent[36:52])
    assert dict(update.attributes or {}) == {
        "db.system.name": "mongodb",
        "db.namespace": "luotdoc",
        "db.operation.name": "update",
        "db.collection.name": "counts",
    }
    assert (commit.name, commit.status.description) == ("commitTransaction", "WriteConflict")


# HTTP
async def answer(scope: Scope, _receive: Receive, send: Send) -> None:
    scope["route"] = type("Route", (), {"path": "/articles/{article_id}"})
    await respond(send, int(scope["status"]), b"")


async def request(
    recorder: Recorder,
    *offered: bytes,
    trusted: bool = True,
    status: int = 200,
    method: str = "PUT",
) -> ReadableSpan:
    sent = []

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"traceparent", value) for value in offered]
    scope = {"method": method, "path": "/articles/a1", "headers": headers, "status": status}
    app = traced(answer, recorder.tracer, trusted=lambda _: trusted)
    await app(scope, None, send)  # type: ignore[arg-type]
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    recorded = recorder.spans[-1]
    assert recorded.kind is SpanKind.SERVER
    return recorded


async def test_the_trace_of_a_trusted_caller_goes_on(recorder: Recorder) -> None:
    span = await request(recorder, SENT.encode())
    assert parent_of(span) == SPAN
    assert span.name == "PUT /articles/{article_id}"
    assert dict(span.attributes or {}) == {
        "http.request.method": "PUT",
        "url.path": "/articles/a1",
        "http.response.status_code": 200,
        "http.route": "/articles/{article_id}",
    }
    assert span.status.status_code is StatusCode.UNSET


async def test_that_of_a_stranger_does_not(recorder: Recorder) -> None:
    span = await request(recorder, SENT.encode(), trusted=False)
    assert parent_of(span) == ""
    assert span.context is not None
    assert f"{span.context.trace_id:032x}" != TRACE


@pytest.mark.parametrize(
    "offered",
    [(), (b"",), (b"\xff" * 60,), (SENT.encode()[:-1],), (SENT.encode(), SENT.encode())],
)
async def test_a_malformed_one_begins_a_trace(
    recorder: Recorder, offered: tuple[bytes, ...]
) -> None:
    assert parent_of(await request(recorder, *offered)) == ""


async def test_an_invented_method_names_no_span(recorder: Recorder) -> None:
    assert (await request(recorder, method="x" * 9000)).name.startswith("other ")
    span = await request(recorder, status=503)
    assert span.status.status_code is StatusCode.ERROR


def test_untraced_an_app_is_left_as_it_is() -> None:
    assert traced(answer, UNTRACED) is answer
