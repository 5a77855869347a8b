"""How far the stream is folded, and where to read on after a start."""

from services.stats.readers.place import LogPlace

START = LogPlace(0, -1, "", 0)
NOON = 1_795_860_000_000
MINUTE = 60_000


def later(minutes: int) -> LogPlace:
    """The place after a batch each second for so long, offsets from 0."""
    place = START
    for second in range(minutes * 60):
        place = place.moved(second, f"e1-{second}", NOON + second * 1000)
    return place


def test_a_place_is_that_of_the_last_message() -> None:
    place = START.moved(0, "e1-0", NOON).moved(1, "e1-1", NOON - MINUTE).moved(5, "", 0)
    assert (place.offset, place.batch, place.minted) == (5, "", NOON)  # a late batch is no clock


def test_after_a_start_the_last_minutes_are_read_again() -> None:
    place = later(20)
    assert place.offset == 1199
    begin = place.begin(NOON + 15 * MINUTE)
    assert 15 * 60 - 30 <= begin <= 15 * 60
    assert len(place.marks) <= 15


def test_after_a_long_rest_nothing_is_read_again() -> None:
    place = later(3)
    assert place.begin(NOON + 10 * MINUTE) == place.offset + 1


def test_at_the_beginning_of_the_stream_everything_is_read_again() -> None:
    assert later(2).begin(NOON - 3 * MINUTE) == 0
    assert START.begin(NOON) == 0


def test_marks_are_dropped_with_time() -> None:
    place = later(30)
    assert place.marks[0][0] >= NOON + (30 * 60 - 1) * 1000 - 390_000 - 30_000
    assert place.begin(NOON) == place.marks[0][1]  # as far back as it knows


def test_a_place_covers_what_is_before_it_in_the_same_stream() -> None:
    place = LogPlace(3, 100, "x", NOON)
    assert place.covers(LogPlace(3, 100, "x", NOON))
    assert place.covers(LogPlace(3, 7, "y", NOON))
    assert not place.covers(LogPlace(3, 101, "y", NOON))
    assert not place.covers(LogPlace(2, 7, "y", NOON))
    assert not place.covers(LogPlace(4, 7, "y", NOON))
