"""When a channel that refuses messages is renewed."""

from luotdoc_subscriber.rabbit.refusals import Refusals

READS, EVENTS = ("luotdoc.reads", "reads"), ("luotdoc.events.own", "article.published")


def test_refusals_that_last_are_noticed_once_in_that_time() -> None:
    refusals = Refusals()
    assert not refusals
    times = [0.0, 0.5, 10 - 0.1, 10, 10 + 0.5]
    assert [refusals.last(READS, 100 + time) for time in times] == [False] * 3 + [True, False]
    assert refusals
    assert refusals.last(READS, 100 + 2 * 10)


def test_a_confirm_ends_them() -> None:
    refusals = Refusals()
    refusals.last(READS, 0)
    refusals.ended(READS)
    assert not refusals
    assert not refusals.last(READS, 10 + 1)
    refusals.ended(EVENTS)
    assert refusals.last(READS, 2 * 10 + 1)


def test_each_address_has_its_own_time() -> None:
    refusals = Refusals()
    refusals.last(READS, 0)
    assert not refusals.last(EVENTS, 10)
    refusals.ended(EVENTS)
    assert refusals.last(READS, 10)
