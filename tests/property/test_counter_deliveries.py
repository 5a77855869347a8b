"""Deliveries in any order of settling."""

from hypothesis import given, settings
from hypothesis import strategies as st

from services.counter.deliveries import Tags


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
