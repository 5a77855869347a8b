"""How a delivery is read and judged, at the bounds. test_subscriber_testing.py has the verdicts."""

from typing import Any, get_args

import pytest

from luotdoc_events.events import Article, ArticlePublished, type_of
from luotdoc_subscriber import Event
from luotdoc_subscriber.base.errors import Permanent
from luotdoc_subscriber.base.metrics import Consuming
from luotdoc_subscriber.decision import (
    MAX_EVENT_BYTES,
    Delivery,
    kinds_of,
    read,
    sendable_detail,
)
from luotdoc_subscriber.verdicts import Parked, Retried, Verdict
from tests.support.verdict_cases import event

TYPES = [type_of(ArticlePublished)]


def parsed(body: bytes, **headers: Any) -> Event[Any]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    found = read(Delivery(body, named), TYPES)
    assert found is not None
    return found


def test_an_event_of_the_largest_size_is_read() -> None:
    body = event("article.published", "a1").rjust(MAX_EVENT_BYTES)
    assert parsed(body).envelope.subject == "a1"
    with pytest.raises(Permanent, match="the body has 8388609 bytes, more than 8388608"):
        parsed(body + b" ")


@pytest.mark.parametrize(
    ("header", "name"),
    [("all", "all"), (None, ""), (7, "?"), (b"all", "?"), ("é" * 300, "é" * 255)],
)
def test_the_name_of_a_replay(header: Any, name: str) -> None:
    body = event("article.published", "a1")
    assert parsed(body, x_luotdoc_replay=header).replay == name
    one = parsed(body)
    assert Event(one.data, one.envelope) == one  # a live event


def test_every_fault_of_an_event_is_named_with_its_field() -> None:
    data = {"id": "a1", "revision": 0, "url": "/", "slug": "s", "section": "x", "title": 1,
            "body_html": "", "published_at": "2026-11-23T07:05:00Z", "image": {}}  # fmt: skip
    with pytest.raises(Permanent) as raised:
        parsed(event("article.published", "a1", change={"data": data}))
    assert (raised.value.reason, str(raised.value)) == (
        "bad_event",
        "revision: Input should be greater than or equal to 1; title: Input should be a valid "
        "string; image.url: Field required; modified_at: Field required",
    )


def test_a_detail_fits_into_a_header() -> None:
    assert sendable_detail("Nội dung\ud800") == "Nội dung\\ud800"
    assert sendable_detail("ộ" * 2001) == "ộ" * 2000


def test_a_handler_without_an_event_is_refused_by_its_name() -> None:
    def index(article: Article) -> None: ...

    name = r"test_a_handler_without_.*\.index"
    with pytest.raises(TypeError, match=rf"^{name}: annotate its parameter, such as `event: "):
        kinds_of(index)


def test_verdicts_are_equal_if_they_lead_to_the_same() -> None:
    bug = ZeroDivisionError()
    assert Parked("bug") == Parked("bug", "its traceback", bug)
    assert Parked("bug") != Parked("other")
    assert Retried(60, 2, 4) == Retried(60, 2, 4, "the cache answers 500")
    assert Retried(60, 2, 4) not in (Retried(60, 2, None), Retried(60, 3, 4), Retried(1, 2, 4))


def test_a_verdict_is_shown_with_its_text_and_without_the_exception() -> None:
    assert repr(Parked("bug", "text", ZeroDivisionError())) == "Parked(reason='bug', detail='text')"
    assert repr(Parked("bug")) == "Parked(reason='bug', detail='')"
    assert repr(Retried(1, 1, 4)) == "Retried(delay=1, number=1, limit=4, detail='')"


def test_each_verdict_has_a_series_of_the_metric() -> None:
    assert tuple(verdict.outcome for verdict in get_args(Verdict)) == Consuming.OUTCOMES
