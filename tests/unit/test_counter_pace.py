"""Flushes that fail, or take longer than the time between two, are behind."""

import pytest

from services.counter.pace import FlushPace


@pytest.mark.parametrize(
    ("took", "behind"), [([], False), ([0.5], False), ([0.51], True), ([0.51, 0.1], False)]
)
def test_flushes_are_behind_while_one_takes_longer_than_the_time_between_two(
    took: list[float], behind: bool
) -> None:
    pace = FlushPace(0.5)
    for seconds in took:
        pace.flushed(seconds)
    assert pace.behind is behind
    pace.idle()
    assert pace.behind is False


def test_flushes_that_fail_are_behind_until_one_is_committed() -> None:
    pace = FlushPace(0.5)
    pace.failed(7.0)
    pace.failed(9.0)
    pace.idle()
    failing = pace.behind, pace.failing_since
    assert failing == (True, 7.0)
    pace.flushed(0.1)
    working = pace.behind, pace.failing_since
    assert working == (False, None)
