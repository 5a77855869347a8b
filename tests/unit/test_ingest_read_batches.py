"""What a key's repetition makes."""

from datetime import timedelta

import pytest

from services.counter.reading import TOO_OLD
from services.ingest.reads.read_batches import KeyNote, digest_of_batch, make_batch
from shared.base.errors import Problem
from shared.rabbit.batch import COUNTED_HOURS, Batch

HOUR = 3_600_000
FIRST = 1_795_417_500_000
NOTE = KeyNote(digest_of_batch(["a1", "nobody"]), FIRST, frozenset({"nobody"}))


@pytest.mark.parametrize("later", [0, 1, 71 * HOUR])
def test_every_repetition_makes_the_same_batch(later: int) -> None:
    made = make_batch("h1", ["a1", "nobody"], NOTE, FIRST + later)
    assert made == Batch("h1", FIRST, [("batch", "a1", 1_994_908, 1, 0, 0)])


def test_equal_reads_are_one_group_in_the_same_bytes_each_time() -> None:
    wanted = ["b", "a", "nobody", "b", "a", "b"]
    note = KeyNote(digest_of_batch(wanted), FIRST, frozenset({"nobody"}))
    made = [make_batch("h1", wanted, note, FIRST + later) for later in (0, HOUR)]
    assert made[0].groups == [
        ("batch", "b", 1_994_908, 3, 0, 0),
        ("batch", "a", 1_994_908, 2, 0, 0),
    ]
    assert made[0].reads == 5
    assert made[0].body() == made[1].body()


def test_what_the_counter_would_not_take_is_refused() -> None:
    with pytest.raises(Problem, match="first used more than 71 hours ago") as problem:
        make_batch("h1", ["a1", "nobody"], NOTE, FIRST + 71 * HOUR + 1)
    assert problem.value.status == 409
    assert timedelta(hours=COUNTED_HOURS) == TOO_OLD


def test_another_body_is_refused() -> None:
    with pytest.raises(Problem, match="not valid") as problem:
        make_batch("h1", ["a1"], NOTE, FIRST + 80 * HOUR)
    assert (problem.value.status, problem.value.errors[0]["path"]) == (422, "Idempotency-Key")
