"""Sets of distinct readers: exact while they are small, and near enough afterwards."""

import subprocess
import sys
from hashlib import blake2b
from random import Random

import pytest

from services.stats.readers.distinct import ERROR, EXACT, DistinctReaders, distinct_hashes
from tests.support.system import ROOT


def hashes(first: int, end: int) -> bytes:
    """The hashes of some visitors."""
    return b"".join(blake2b(b"%d" % n, digest_size=8).digest() for n in range(first, end))


def test_a_set_of_up_to_a_thousand_is_exact() -> None:
    readers = DistinctReaders()
    assert (readers.number, readers.is_exact) == (0, True)
    for number in (1, 2, 500, 999, EXACT):
        readers = readers.united(hashes(0, number))
        assert (readers.number, readers.is_exact) == (number, True)
    assert len(readers.hashes) == 8 * EXACT
    more = readers.united(hashes(EXACT, EXACT + 1))
    assert (more.is_exact, more.hashes) == (False, b"")
    assert abs(more.number - (EXACT + 1)) <= ERROR * (EXACT + 1)


def test_what_is_added_again_changes_nothing() -> None:
    for number in (10, EXACT, 5000):
        readers = DistinctReaders().united(hashes(0, number))
        again = readers.united(hashes(number // 3, number)).united(hashes(0, number))
        assert again == readers
        assert readers.united(b"") == readers


def test_the_order_and_the_pieces_of_an_exact_set_don_t_matter() -> None:
    whole = DistinctReaders().united(hashes(0, 900))
    random = Random(1)
    for _ in range(5):
        places, pieces = list(range(0, 900, 30)), DistinctReaders()
        random.shuffle(places)
        for place in places:
            pieces = pieces.united(hashes(place, min(900, place + 45)))
        assert pieces == whole


def test_a_hash_of_any_bytes_is_one_reader() -> None:
    odd = [b"\x00" * 8, b"\xff" * 8, b"\x00" * 7 + b"\x80", b"\x80" + b"\x00" * 7]
    assert DistinctReaders().united(b"".join(odd)).number == 4
    large = DistinctReaders().united(hashes(0, 2000))
    assert large.united(b"".join(odd)).sketch != large.sketch
    assert distinct_hashes([*odd, odd[0]]) == 4
    assert distinct_hashes([]) == 0


@pytest.mark.parametrize("number", [1_100, 5_000, 40_000])
def test_the_error_is_the_stated_one_in_most_cases(number: int) -> None:
    """Of 40 sets, each of other visitors, 38 are expected within it."""
    inside = 0
    for place in range(40):
        first = place * 100_000
        readers = DistinctReaders().united(hashes(first, first + number))
        inside += abs(readers.number - number) <= ERROR * number
    print(f"\n{number} readers: {inside} of 40 within ±{ERROR:.0%}")
    assert inside >= 35


def test_a_sketch_is_small_and_its_number_never_falls() -> None:
    readers, last = DistinctReaders(), 0
    for first in range(0, 60_000, 700):
        readers = readers.united(hashes(first, first + 700))
        assert readers.number >= last
        assert len(readers.sketch) < 3000
        last = readers.number


def test_the_first_set_imports_nothing() -> None:
    """What is imported late holds up the event loop."""
    line = (
        "import sys; from services.stats.readers.distinct import DistinctReaders; "
        "known = set(sys.modules); DistinctReaders().united(bytes(range(256)) * 80); "
        "print(sorted(set(sys.modules) - known))"
    )
    run = subprocess.run([sys.executable, "-c", line], capture_output=True, check=True, cwd=ROOT)
    assert run.stdout.decode().strip() == "[]"
