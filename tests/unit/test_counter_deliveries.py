"""The plan of acks: everything settled is acked, and nothing that is still in hand."""

import pickle

import pytest

from services.counter.deliveries import Tags


@pytest.mark.parametrize(
    ("rounds", "plans"),
    [
        ([[1, 2, 3]], [(3, [])]),
        ([[1], [2], [3, 4]], [(1, []), (2, []), (4, [])]),
        ([[2, 3]], [(None, [2, 3])]),
        ([[3, 2], [1]], [(None, [2, 3]), (1, [])]),
        ([[1, 3], [2]], [(1, [3]), (2, [])]),
        ([[2], [4], [1, 3], [5]], [(None, [2]), (None, [4]), (3, []), (5, [])]),
        ([[1, 2, 5, 4], [6, 3]], [(2, [4, 5]), (6, [])]),
        ([[]], [(None, [])]),
        ([[1], []], [(1, []), (None, [])]),
        ([[7]], [(None, [7])]),
    ],
)
def test_what_is_acked_together_and_what_alone(
    rounds: list[list[int]], plans: list[tuple[int | None, list[int]]]
) -> None:
    tags = Tags()
    assert [tags.settle(one) for one in rounds] == plans


def test_memory_does_not_grow_with_the_deliveries() -> None:
    tags = Tags()
    for tag in range(1, 1000, 2):
        tags.settle([tag + 1])
        tags.settle([tag])
    assert len(pickle.dumps(tags)) < 200
