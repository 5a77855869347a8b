"""Events on the wire: CloudEvents 1.0, as another team's code meets them."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from luotdoc_events import events
from luotdoc_events.events import (
    EVENTS,
    ArticlePublished,
    ArticleUpdated,
    ArticleWithdrawn,
    Count,
    Data,
    Envelope,
    PageRendered,
    ReadsCounted,
    decode,
    encode,
    envelope,
    schema_of,
    type_of,
)

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
WITHDRAWN = ArticleWithdrawn(id="ls0001", revision=12, url="https://e.vn/a.html", withdrawn_at=NOON)


def wrapped(data: Data = WITHDRAWN, **more: Any) -> Envelope:
    return envelope(
        data, id="e-1", source="/luotdoc/ingest", time=NOON, schemas="https://e.vn/schemas", **more
    )


def wire(**changes: Any) -> bytes:
    """A withdrawal as it may come from anywhere; what is None is left out."""
    event = json.loads(encode(wrapped(subject="ls0001", revision=12))) | changes
    return json.dumps({name: value for name, value in event.items() if value is not None}).encode()


def test_an_event_on_the_wire() -> None:
    event = wrapped(subject="ls0001", revision=12, correlation_id="c-1")
    assert json.loads(encode(event)) == {
        "specversion": "1.0",
        "id": "e-1",
        "source": "/luotdoc/ingest",
        "type": "luotdoc.article.withdrawn.v1",
        "subject": "ls0001",
        "time": "2026-11-23T12:00:00Z",
        "datacontenttype": "application/json",
        "dataschema": "https://e.vn/schemas/article.withdrawn.v1.json",
        "sequence": "00000000000000000012",
        "correlationid": "c-1",
        "data": {
            "id": "ls0001",
            "revision": 12,
            "url": "https://e.vn/a.html",
            "reason": "withdrawn",
            "withdrawn_at": "2026-11-23T12:00:00Z",
            "replaced_by": "",
        },
    }


def test_attributes_that_say_nothing_are_left_out() -> None:
    counted = ReadsCounted(items=[Count(article="ls0001", delta=2, total=9)])
    attributes = json.loads(encode(wrapped(counted, correlation_id="")))
    assert {"subject", "sequence", "correlationid"} & attributes.keys() == set()


def test_of_two_counts_the_later_one_has_the_larger_rank() -> None:
    before = Count.model_validate({"article": "ls0001", "delta": 1, "total": 9})
    assert (before.generation, before.rank) == (0, (0, 9))
    fallen = Count(article="ls0001", delta=-4, total=5, generation=1)
    after = Count(article="ls0001", delta=1, total=6, generation=1)
    assert max((after, before, fallen), key=lambda count: count.rank) is after


def test_sequences_compare_as_text() -> None:
    sequences = [
        wrapped(revision=revision).sequence or "" for revision in (1, 9, 10, 99, 100, 10**12)
    ]
    assert sequences == sorted(sequences)
    assert {len(sequence) for sequence in sequences} == {20}


def test_an_event_is_read_back_as_what_it_was() -> None:
    article = ArticleUpdated(
        id="ls0001", revision=2, change="minor", url="u", slug="s", section="kinh-te", title="Tựa",
        body_html="<p>",
        published_at=NOON, modified_at=NOON,
    )  # fmt: skip
    counted = ReadsCounted(items=[Count(article="ls0001", delta=2, total=9)], complete_through=NOON)
    for data in (article, WITHDRAWN, counted):
        event, again = decode(encode(wrapped(data)))
        assert again == data
        assert type(again) is type(data)
        assert (event.name, event.time) == (data.name, NOON)


def test_names_types_and_schemas() -> None:
    known = {
        "article.published": "luotdoc.article.published.v1",
        "article.updated": "luotdoc.article.updated.v1",
        "article.withdrawn": "luotdoc.article.withdrawn.v1",
        "page.rendered": "luotdoc.page.rendered.v1",
        "page.removed": "luotdoc.page.removed.v1",
        "reads.counted": "luotdoc.reads.counted.v1",
        "heartbeat": "luotdoc.heartbeat.v1",
    }
    assert {name: type_of(EVENTS[name]) for name in known} == known
    assert schema_of(PageRendered) == "page.rendered.v1.json"
    assert EVENTS["article.published"] is ArticlePublished


@pytest.mark.parametrize(
    "kind",
    [
        "luotdoc.article.burnt.v1",
        "luotdoc.article.withdrawn.v2",
        "article.withdrawn",
        "com.other.v1",
        "",
        "luotdoc..v1",
    ],
)
def test_a_type_or_version_that_we_do_not_know_is_named(kind: str) -> None:
    with pytest.raises(KeyError) as error:
        decode(wire(type=kind))
    assert error.value.args == (kind,)


def test_an_addition_is_no_trouble() -> None:
    data = {**json.loads(encode(wrapped()))["data"], "later": "addition"}
    _, again = decode(wire(data=data, traceparent="00-1", sequence=None))
    assert again == WITHDRAWN


@pytest.mark.parametrize("attribute", ["id", "source", "type", "time", "data"])
def test_a_missing_attribute_is_told(attribute: str) -> None:
    with pytest.raises(ValidationError) as error:
        decode(wire(**{attribute: None}))
    assert [fault["loc"] for fault in error.value.errors()] == [(attribute,)]


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("specversion", "0.3"),
        ("id", ""),
        ("source", ""),
        ("time", "2026-11-23T12:00:00"),
        ("time", "trưa"),
        ("sequence", "12"),
        ("sequence", "0000000000000000001x"),
        ("datacontenttype", "text/xml"),
        ("data", []),
    ],
)
def test_an_attribute_that_is_wrong_is_told(attribute: str, value: Any) -> None:
    with pytest.raises(ValidationError) as error:
        decode(wire(**{attribute: value}))
    assert [fault["loc"] for fault in error.value.errors()] == [(attribute,)]


@pytest.mark.parametrize(
    "change",
    [
        {"id": "LS0001"},
        {"id": "x" * 33},
        {"revision": 0},
        {"reason": "deleted"},
        {"withdrawn_at": None},
    ],
)
def test_data_that_is_wrong_is_told(change: dict[str, Any]) -> None:
    data = {**json.loads(encode(wrapped()))["data"], **change}
    with pytest.raises(ValidationError) as error:
        decode(wire(data=data))
    assert [fault["loc"] for fault in error.value.errors()] == [tuple(change)]


MINIMAL = {
    "id": "a1", "revision": 1, "url": "u", "slug": "s", "section": "s", "title": "t",
    "body_html": "b",
    "published_at": "2026-01-01T00:00:00Z", "modified_at": "2026-01-01T00:00:00Z",
}  # fmt: skip


def test_what_an_event_lacks_has_its_default() -> None:
    article = ArticlePublished.model_validate(MINIMAL)
    assert article.model_dump(exclude=set(MINIMAL)) == {
        "change": "major",
        "lead": "",
        "byline": "",
        "tags": [],
        "image": None,
        "language": "vi",
        "topic": "",
        "pinned": False,
        "translations": [],
        "attachments": [],
        "audio": "",
        "corrections": [],
        "reads_baseline": 0,
    }
    image = events.Image(url="/a.jpg")
    assert (image.alt, image.caption, image.credit) == ("", "", "")


@pytest.mark.parametrize(
    ("part", "field"),
    [
        (ArticlePublished.model_validate(MINIMAL), "title"),
        (events.ArticleContent.model_validate(MINIMAL), "title"),
        (events.Image(url="/a.jpg"), "alt"),
        (Count(article="ls0001", delta=2, total=9), "total"),
        (WITHDRAWN, "reason"),
    ],
)
def test_an_event_is_not_changed_by_its_handlers(part: BaseModel, field: str) -> None:
    with pytest.raises(ValidationError, match="Instance is frozen"):
        setattr(part, field, "other")


def test_events_about_no_single_article() -> None:
    assert [kind.name for kind in events.KINDS if not kind.of_article] == [
        "reads.counted",
        "heartbeat",
    ]


def test_heartbeats_may_come_at_any_positive_interval() -> None:
    told: dict[str, Any] = {"producer": "ingest", "instance": "i-1", "event": "article.published"}
    assert events.Heartbeat(**told, interval=0.5).interval == 0.5
    with pytest.raises(ValidationError, match="greater than 0"):
        events.Heartbeat(**told, interval=0)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff"])
def test_what_is_no_event_is_refused(body: bytes) -> None:
    with pytest.raises(ValidationError):
        decode(body)


@pytest.mark.parametrize(
    ("field", "value"),
    [("revision", 1 << 63), ("revision", -(1 << 63) - 1), ("reads_baseline", 1 << 63),
     ("reads_baseline", 10**400),
     ("published_at", "9999-12-31T23:59:59-14:00"), ("published_at", "0001-01-01T00:00:00+14:00"),
     ("modified_at", "2901-01-01T00:00:00Z"), ("tags", [1] * 100_000)],
)  # fmt: skip
def test_what_no_database_or_calendar_can_hold_is_refused(field: str, value: Any) -> None:
    assert events.ArticlePublished.model_validate(MINIMAL).revision == 1
    with pytest.raises(ValidationError) as error:
        events.ArticlePublished.model_validate({**MINIMAL, field: value})
    assert error.value.error_count() == 1


@pytest.mark.parametrize(
    ("field", "value"), [("sequence", "9" * 20), ("time", "9999-12-31T23:59:59-14:00")]
)
def test_an_envelope_has_bounds_too(field: str, value: str) -> None:
    attributes = {
        "id": "x",
        "source": "/x",
        "type": "luotdoc.x.v1",
        "time": "2026-01-01T00:00:00Z",
        "data": {},
    }
    assert events.Envelope.model_validate(attributes).id == "x"
    with pytest.raises(ValidationError):
        events.Envelope.model_validate({**attributes, field: value})
