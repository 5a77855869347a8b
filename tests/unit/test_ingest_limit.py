"""How many reads one address may send."""

import pytest

from services.ingest.reads.limit import ReadLimit


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def allowed(limit: ReadLimit, address: bytes, tries: int) -> int:
    return sum(limit.wait(address) == 0 for _ in range(tries))


def test_a_minute_s_worth_at_once_and_then_one_in_each_interval() -> None:
    clock = Clock()
    limit = ReadLimit(30, clock)

    assert allowed(limit, b"a", 100) == 30
    assert limit.wait(b"a") == 2.0
    assert allowed(limit, b"b", 100) == 30
    clock.now += 2
    assert allowed(limit, b"a", 10) == 1
    clock.now += 600
    assert allowed(limit, b"a", 100) == 30


@pytest.mark.parametrize("per_minute", [1, 7, 9, 11, 59, 61, 999, 6000, 7777])
@pytest.mark.parametrize("now", [0.0, 1000.0, 123_456.789, 8_100_000.1])
def test_the_number_is_exact_whatever_the_clock_shows(per_minute: int, now: float) -> None:
    clock = Clock()
    clock.now = now
    limit = ReadLimit(per_minute, clock)
    assert allowed(limit, b"a", per_minute + 3) == per_minute
    for _ in range(5):  # who waits as long as was told reads on
        wait = limit.wait(b"a")
        assert 0 < wait <= 60 / per_minute * 1.001
        clock.now += wait
        assert allowed(limit, b"a", 3) == 1
    clock.now += 60
    assert allowed(limit, b"a", per_minute + 3) == per_minute


def test_half_an_interval_is_the_most_that_a_read_may_come_early() -> None:
    clock = Clock()
    clock.now = 0.0
    limit = ReadLimit(61_440, clock)  # one each 2**-10 s: these sums are not rounded
    assert allowed(limit, b"a", 61_450) == 61_440
    clock.now = 2.0**-11
    assert limit.wait(b"a") == 2.0**-11
    clock.now += 2.0**-30
    assert allowed(limit, b"a", 3) == 1


def test_a_read_may_come_a_millisecond_early() -> None:
    clock = Clock()
    limit = ReadLimit(60, clock)
    assert allowed(limit, b"a", 60) == 60
    clock.now += 0.998
    assert allowed(limit, b"a", 3) == 0
    clock.now += 0.0015
    assert allowed(limit, b"a", 3) == 1


def test_without_a_limit_each_read_is_allowed() -> None:
    assert allowed(ReadLimit(0, Clock()), b"a", 1000) == 1000


def test_a_clock_that_goes_back_shuts_nobody_out_for_longer_than_it_went() -> None:
    clock = Clock()
    limit = ReadLimit(60, clock)
    assert allowed(limit, b"a", 100) == 60
    clock.now -= 30
    assert limit.wait(b"a") == 31.0
    assert limit.wait(b"b") == 0.0


def test_a_refused_read_takes_nothing() -> None:
    clock = Clock()
    limit = ReadLimit(60, clock)
    assert allowed(limit, b"a", 10_000) == 60
    clock.now += 1
    assert allowed(limit, b"a", 10_000) == 1


def test_memory_is_bounded_and_a_busy_address_stays() -> None:
    clock = Clock()
    limit = ReadLimit(60, clock, capacity=100)
    assert allowed(limit, b"busy", 100) == 60
    for number in range(1000):
        limit.wait(str(number).encode())
        clock.now += 0.001
        allowed(limit, b"busy", 1)
        assert len(limit) <= 100
    assert allowed(limit, b"busy", 100) <= 2


@pytest.mark.parametrize(("capacity", "remembered"), [(10, 5), (2, 1)])
def test_the_newest_half_of_the_capacity_is_remembered(capacity: int, remembered: int) -> None:
    limit = ReadLimit(1, Clock(), capacity)
    addresses = [str(number).encode() for number in range(50)]
    for number, address in enumerate(addresses, 1):
        assert limit.wait(address) == 0
        for recent in addresses[max(0, number - remembered) : number]:
            assert limit.wait(recent) == 60
        assert len(limit) <= capacity


def test_a_read_that_comes_early_is_refused_and_does_not_lengthen_the_wait() -> None:
    clock = Clock()
    limit = ReadLimit(60, clock)
    assert allowed(limit, b"a", 60) == 60
    clock.now += 0.6
    assert [round(limit.wait(b"a"), 3) for _ in range(3)] == [0.4, 0.4, 0.4]
    clock.now += 0.4
    assert limit.wait(b"a") == 0
    assert round(limit.wait(b"a"), 3) == 1.0
