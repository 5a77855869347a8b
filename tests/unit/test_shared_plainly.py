"""What people can mend is told on one line."""

import pytest

from luotdoc_subscriber.base.errors import Refused, Transient
from luotdoc_subscriber.base.plainly import perform


@pytest.mark.parametrize(
    ("error", "status", "told"),
    [
        (Refused("do this"), 1, "do this\n"),
        (
            Transient("MongoDB: h:1: refused"),
            1,
            "MongoDB: h:1: refused; run this again once it is back\n",
        ),
        (KeyboardInterrupt(), 130, "stopped\n"),
    ],
)
def test_a_command_ends_with_one_line(
    error: BaseException, status: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async def work() -> None:
        raise error

    assert perform(work()) == status
    said = capsys.readouterr().err
    assert said.startswith(told)
    assert said.count("\n") == 1


def test_a_command_that_did_it_says_how_it_went(capsys: pytest.CaptureFixture[str]) -> None:
    async def work() -> int:
        return 2

    assert perform(work()) == 2
    assert capsys.readouterr().err == ""
