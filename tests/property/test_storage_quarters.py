"""No read can hide between a late marker and a closed hour."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.storage.quarters import CLOSED, late_before, quarter_of, start_of

TRANSACTION = timedelta(seconds=90)
"""The longest time from the clock that a flush reads to its commit: MongoDB ends transactions after
60 s, and looks each 30 s."""
SECONDS = st.integers(0, 90_000_000).map(lambda n: timedelta(microseconds=n))
ZERO = timedelta(0)


@given(
    first=st.integers(1_994_000, 1_995_000),
    within=st.integers(0, 3),
    waits=st.timedeltas(ZERO, timedelta(days=40)),
    after=st.timedeltas(timedelta(microseconds=1), timedelta(days=40)),
    takes=SECONDS,
    behind=st.timedeltas(-timedelta(days=1), timedelta(hours=1) - TRANSACTION),
)
def test_a_flush_that_a_closed_hour_does_not_have_marks_its_day(
    first: int,
    within: int,
    waits: timedelta,
    after: timedelta,
    takes: timedelta,
    behind: timedelta,
) -> None:
    """`behind` is what counter's clock is behind stats', the only one that the others go by."""
    snapshot = start_of(first + 4) + CLOSED + waits
    committed = snapshot + after
    clock = committed - takes - behind
    assert first + within < late_before(clock)


def test_clocks_that_differ_by_more_could_hide_a_read() -> None:
    """The bound that the constants are explained with is the one that they have."""
    end = datetime(2026, 11, 23, 8, tzinfo=UTC)
    clock = end + CLOSED - TRANSACTION - (timedelta(hours=1) - TRANSACTION)
    last = quarter_of(end) - 1
    assert last < late_before(clock)
    assert last >= late_before(clock - timedelta(seconds=1))
