"""How many reads one address may send."""

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
