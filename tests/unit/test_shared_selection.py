"""What a replay chooses, and its pace."""

from datetime import UTC, datetime, timedelta

import pytest

from luotdoc_events import events
from luotdoc_subscriber.commands.selection import Pace, Selection

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def event(subject: str | None = "ls0001", time: datetime = NOON) -> events.Envelope:
    data = events.ArticleWithdrawn(id="ls0001", revision=1, url="https://e.vn/a", withdrawn_at=NOON)
    return events.envelope(
        data, id="e", source="/test", time=time, subject=subject, schemas="https://e.vn/schemas"
    )


@pytest.mark.parametrize(
    ("chosen", "wanted"),
    [
        (Selection(), True),
        (Selection(types=frozenset({"article.withdrawn"})), True),
        (Selection(types=frozenset({"article.published", "page.removed"})), False),
        (Selection(subjects=frozenset({"ls0002", "ls0001"})), True),
        (Selection(subjects=frozenset({"ls0002"})), False),
        (Selection(since=NOON), True),
        (Selection(since=NOON + SECOND), False),
        (Selection(until=NOON), False),
        (Selection(until=NOON + SECOND), True),
        (Selection(types=frozenset({"article.withdrawn"}), subjects=frozenset({"ls0002"})), False),
    ],
)
def test_an_event_is_chosen_by_every_criterion(chosen: Selection, wanted: bool) -> None:
    assert chosen.wants(event()) is wanted


def test_an_event_without_a_subject_is_nobodys() -> None:
    assert not Selection(subjects=frozenset({"ls0001"})).wants(event(subject=None))


def test_a_selection_is_known_by_its_text() -> None:
    assert str(Selection()) == "everything"
    one = Selection(
        frozenset({"page.removed", "article.updated"}), frozenset({"b", "a"}), NOON, NOON + SECOND
    )
    same = Selection(
        frozenset({"article.updated", "page.removed"}), frozenset({"a", "b"}), NOON, NOON + SECOND
    )
    assert str(one) == str(same)
    assert str(one) == (
        "type article.updated, type page.removed, subject a, subject b, "
        "since 2026-11-23T12:00:00.000Z, until 2026-11-23T12:00:01.000Z"
    )


def test_the_pace_is_kept_and_lost_time_is_not_made_up_for() -> None:
    seconds = 100.0

    def monotonic() -> float:
        return seconds

    pace = Pace(50, monotonic)
    assert pace.wait(10) == pytest.approx(0.2)
    seconds = 100.15  # sending took a while: only the rest is waited for
    assert pace.wait(10) == pytest.approx(0.25)
    seconds = 200.0  # RabbitMQ hung
    assert pace.wait(10) == 0
    assert pace.wait(10) == pytest.approx(0.2)
