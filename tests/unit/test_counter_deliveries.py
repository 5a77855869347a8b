"""The plan of acks: everything settled is acked, and nothing that is still in hand."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


@settings(max_examples=60)
@given(st.permutations(range(1, 16)), st.data())
def test_no_tag_in_hand_is_ever_acked_and_no_settled_one_is_left(
    order: list[int], data: st.DataObject
) -> None:
    """Against what RabbitMQ does: an ack of one it does not hold closes the channel."""
    tags, in_hand = Tags(), set(order)
    unacked = set(order)
    while order:
        size = data.draw(st.integers(0, len(order)))
        settled, order = order[: size or 1], order[size or 1 :]
        in_hand -= set(settled)
        through, alone = tags.settle(settled)
        if through is not None:
            assert through in unacked
            unacked = {tag for tag in unacked if tag > through}
        for tag in alone:
            assert tag in unacked
            unacked.discard(tag)
        assert unacked == in_hand
