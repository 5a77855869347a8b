"""A list of changes misses nothing, however late a change is committed and however slowly the list
is read.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.ingest.articles.article import StoredArticle
from services.ingest.articles.changes import put
from services.ingest.articles.cursors import PATTERN, Cursor, behind_changes, parsed
from services.ingest.articles.documents import Place
from services.ingest.articles.preconditions import Preconditions
from tests.unit.test_ingest_article import CONTENT, SITE

START = datetime(2026, 11, 23, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


@dataclass(frozen=True)
class Written:
    """An article with the time of its change and the time of its commit, in seconds."""

    id: str
    changed: float
    committed: float


def article(written: Written) -> StoredArticle:
    return put(written.id, CONTENT, None, Preconditions(), at(written.changed), SITE).article


def page(
    all_: list[Written], cursor: Cursor, limit: int, now: float
) -> tuple[list[StoredArticle], Cursor]:
    """What MongoDB answers at `now`, and the cursor behind it as a client gets and sends it."""
    behind = [
        found
        for found in map(article, (written for written in all_ if written.committed <= now))
        if (found.modified_at, found.id) > (cursor.place.time, cursor.place.id)
    ]
    found = sorted(behind, key=lambda one: (one.modified_at, one.id))[:limit]
    text = str(behind_changes(cursor, found, limit, START, at(now)))
    assert re.fullmatch(PATTERN, text)
    return found, parsed(text)


def test_a_change_committed_behind_a_full_page_comes_however_late_the_next_call_is() -> None:
    written = [Written("a", 8, 8), Written("b", 9, 9), Written("late", 8.5, 12)]
    found, cursor = page(written, Cursor(Place(START, "")), limit=2, now=10)
    assert [one.id for one in found] == ["a", "b"]
    seen: list[str] = []
    for call in range(2):
        found, cursor = page(written, cursor, limit=4, now=100 + call)
        seen += [one.id for one in found]
    assert "late" in seen


@given(
    changes=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 59)), min_size=3, max_size=12),
    pauses=st.lists(st.sampled_from([2, 10, 20, 30, 61, 100]), min_size=2, max_size=8),
    limit=st.integers(1, 3),
)
def test_nothing_is_missed(changes: list[tuple[int, int]], pauses: list[int], limit: int) -> None:
    written = [
        Written(f"a{i}", changed, changed + taken) for i, (changed, taken) in enumerate(changes)
    ]
    cursor, now, seen = Cursor(Place(START, "")), 0, set[str]()
    for pause in (*pauses, 500, *[61] * (len(written) * 2 + 3)):
        now += pause
        found, cursor = page(written, cursor, limit, now)
        seen |= {one.id for one in found}
    assert seen == {one.id for one in written}


def test_what_is_settled_comes_once() -> None:
    written = [Written("a", 1, 1), Written("b", 2, 2)]
    found, cursor = page(written, Cursor(Place(START, "")), limit=1, now=1000)
    assert cursor.settled is None
    seen = [one.id for one in found]
    for call in range(3):
        found, cursor = page(written, cursor, limit=1, now=1001 + call)
        seen += [one.id for one in found]
    assert seen == ["a", "b"]


def test_the_end_never_lies_before_the_time_that_was_asked_for() -> None:
    _, cursor = page([Written("a", 1, 1)], Cursor(Place(START, "")), limit=5, now=2)
    assert cursor == Cursor(Place(START, ""))


def test_cursors_without_the_new_part_still_work() -> None:
    assert parsed("1763899200000-a1") == Cursor(Place(datetime(2025, 11, 23, 12, tzinfo=UTC), "a1"))
    assert parsed("-1000-") == Cursor(Place(datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC), ""))
