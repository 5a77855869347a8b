"""When a channel that refuses messages is renewed."""

from luotdoc_subscriber.rabbit.refusals import Refusals

READS, EVENTS = ("luotdoc.reads", "reads"), ("luotdoc.events.own", "article.published")


def lasting(refusals: Refusals, *times: float) -> list[bool]:
    return [refusals.note(READS, time) for time in times]


def test_refusals_that_last_are_noticed_once_in_that_time() -> None:
    refusals = Refusals()
    assert not refusals
    assert lasting(refusals, 100, 105, 109.9, 110, 110.5) == [False, False, False, True, False]
    assert refusals
    assert lasting(refusals, 119.9, 120) == [False, True]


def test_a_confirm_ends_them() -> None:
    refusals = Refusals()
    lasting(refusals, 0, 5)
    refusals.ended(READS)
    assert not refusals
    assert lasting(refusals, 10, 15) == [False, False]
    refusals.ended(EVENTS)
    assert lasting(refusals, 20) == [True]


def test_a_refusal_of_long_ago_is_not_the_beginning() -> None:
    refusals = Refusals()
    assert lasting(refusals, 0, 10.5, 15, 20.5) == [False, False, False, True]
    assert lasting(Refusals(), 0, 10) == [False, True]


def test_another_connection_begins_anew() -> None:
    refusals = Refusals()
    lasting(refusals, 0, 5)
    refusals.forget()
    assert not refusals
    assert lasting(refusals, 10) == [False]


def test_each_address_has_its_own_time() -> None:
    refusals = Refusals()
    lasting(refusals, 0)
    assert not refusals.note(EVENTS, 10)
    refusals.ended(EVENTS)
    assert lasting(refusals, 10) == [True]
