"""Who is the same reader, and what is a reload."""

import asyncio

from services.ingest.reads.visitors import ReloadWindow, visitor


def test_a_visitor_is_the_same_all_day_and_another_with_another_salt() -> None:
    today, tomorrow = b"a" * 32, b"b" * 32
    reader = visitor(today, b"203.0.113.7", b"Firefox")

    assert reader == visitor(today, b"203.0.113.7", b"Firefox")
    assert reader == "2154c577027f1f87"  # as every release and every replica hashes it
    others = {
        visitor(tomorrow, b"203.0.113.7", b"Firefox"),
        visitor(today, b"203.0.113.8", b"Firefox"),
        visitor(today, b"203.0.113.7", b"Chrome"),
        visitor(today, b"203.0.113.7F", b"irefox"),
    }
    assert len(others | {reader}) == 5


# ── the window
# ──────────────────────────────────────────────────────────────────────────────────────────────────


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def window(clock: Clock, capacity: int = 100) -> ReloadWindow:
    return ReloadWindow(60.0, capacity, clock)


def read(one: ReloadWindow, key: str) -> None:
    one.remember([key])


def test_a_read_is_a_reload_for_as_long_as_the_window() -> None:
    clock = Clock()
    one = window(clock)
    read(one, "a")

    clock.now += 59.5
    assert one.holds("a")
    assert not one.holds("b")
    clock.now += 0.5
    assert not one.holds("a")


def test_no_read_is_a_reload_when_the_clock_begins() -> None:
    clock = Clock()
    clock.now = 0.5
    assert not window(clock).holds("a")


async def test_a_read_that_did_not_become_durable_is_no_reason_to_filter_its_repetition() -> None:
    one, loop = window(Clock()), asyncio.get_running_loop()
    failed, cancelled = loop.create_future(), loop.create_future()
    one.begin("a", failed)
    one.begin("b", cancelled)
    failed.set_exception(OSError())
    cancelled.cancel()
    await asyncio.sleep(0)
    assert not one.holds("a")
    assert not one.holds("b")
    assert one.pending("a") is one.pending("b") is None
    assert len(one) == 0


def test_the_time_begins_with_the_last_counted_read() -> None:
    clock = Clock()
    one = window(clock)
    read(one, "a")
    clock.now += 60
    read(one, "a")
    clock.now += 59
    assert one.holds("a")
    assert len(one) == 1


def test_a_full_window_forgets_the_older_half() -> None:
    clock = Clock()
    one = window(clock, capacity=6)
    for key in "abcdefg":
        read(one, key)
        clock.now += 1
        assert len(one) <= 6
    assert [one.holds(key) for key in "abcdefg"] == [False, False, False, True, True, True, True]


def test_the_newer_half_is_remembered_whenever_one_looks() -> None:
    one = window(Clock(), capacity=10)
    keys = [f"k{number}" for number in range(100)]
    for number, key in enumerate(keys, 1):
        read(one, key)
        assert all(one.holds(recent) for recent in keys[max(0, number - 5) : number])
        assert len(one) <= 10


def test_the_smallest_window_remembers_one_read() -> None:
    one = window(Clock(), capacity=1)
    for key in "abc":
        read(one, key)
        assert one.holds(key)
        assert len(one) <= 2
    one = window(Clock(), capacity=2)
    for key in "abc":
        read(one, key)
        assert len(one) <= 2


def test_a_read_again_after_its_time_begins_anew_in_either_half() -> None:
    clock = Clock()
    one = window(clock, capacity=4)
    for key in "ab":
        read(one, key)
    clock.now += 60
    for key in "ac":  # "a" stands in both halves now
        read(one, key)
    assert [one.holds(key) for key in "abc"] == [True, False, True]


def test_a_renewed_entry_is_not_the_oldest_any_more() -> None:
    clock = Clock()
    one = window(clock, capacity=4)
    for key in "abcade":
        read(one, key)
        clock.now += 1
    assert [one.holds(key) for key in "abcde"] == [True, False, True, True, True]


async def test_the_outcome_of_a_read_on_its_way_can_be_awaited() -> None:
    one = window(Clock())
    outcome = asyncio.get_running_loop().create_future()
    one.begin("a", outcome)
    one.begin("c", outcome)  # of the same batch

    assert one.pending("a") is outcome
    assert one.pending("b") is None
    assert not one.holds("a")
    outcome.set_result("e-1")
    await asyncio.sleep(0)
    assert one.pending("a") is None
    assert one.holds("a")
    assert one.holds("c")
