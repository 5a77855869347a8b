"""Flushes that fail, or take longer than the time between two, are behind."""

import pytest

from services.counter.pace import FlushPace, pause_after


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


def test_a_read_is_committed_within_the_interval_while_flushes_are_short() -> None:
    for took in (0.0, 0.01, 0.05, 0.083):
        assert took + pause_after(took, 0.5) + took == pytest.approx(0.5)


def test_slow_flushes_gather_more_reads() -> None:
    paused = [pause_after(took, 0.5) for took in (0.1, 0.12, 0.125, 0.3, 2.0)]
    assert paused == pytest.approx([0.4, 0.48, 0.5, 0.5, 0.5])


def test_after_nothing_was_flushed_the_pause_is_the_interval() -> None:
    pace = FlushPace(0.5)
    assert pace.pause == 0.5
    pace.flushed(0.05)
    assert pace.pause == pytest.approx(0.4)
    pace.idle()
    assert pace.pause == 0.5
