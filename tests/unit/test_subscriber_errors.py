"""The errors that a handler or a command raises, and which of them a command expects."""

import pytest

from luotdoc_subscriber.base.errors import NotTaken, Permanent, Refused, Retry, Transient, expected

AWAY, REFUSED = Transient("RabbitMQ is away"), Refused("there is no such queue")
BUG = ZeroDivisionError("a bug")


def test_the_text_of_an_error_is_its_detail() -> None:
    for error in (Retry("refused", "answers 500"), Permanent("refused", "answers 500")):
        assert (error.reason, str(error)) == ("refused", "answers 500")


@pytest.mark.parametrize("error", [AWAY, REFUSED, NotTaken("a queue is full")])
def test_a_command_expects_servers_that_are_away_and_what_it_refuses_itself(
    error: Exception,
) -> None:
    assert expected(error) is error
    assert expected(BaseExceptionGroup("", [BUG, ExceptionGroup("", [error])])) is error


@pytest.mark.parametrize(
    "error", [BUG, Retry("refused", "answers 500"), KeyboardInterrupt(), ExceptionGroup("", [BUG])]
)
def test_another_error_is_a_bug(error: BaseException) -> None:
    assert expected(error) is None
