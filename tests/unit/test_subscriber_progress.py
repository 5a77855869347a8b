"""The line that shows how far a command has come."""

import io
import os

import pytest

from luotdoc_subscriber.base.plainly import CLOSED_OUTPUT, say
from luotdoc_subscriber.base.progress import LOG_SECONDS, REDRAW_SECONDS, ProgressLine

ERASE = "\r\x1b[K"


class Stream(io.StringIO):
    """Standard error, as a terminal or not."""

    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


class Seconds:
    """A clock that is set by hand."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.mark.parametrize("terminal", [True, False])
def test_what_is_soon_done_shows_nothing(seconds: Seconds, terminal: bool) -> None:
    stream = Stream(terminal)
    with ProgressLine("search.articles", stream, seconds) as shown:
        shown.advance(1, 2)
        shown.advance(2, 2)
    assert stream.getvalue().replace(ERASE, "") == ""


def test_a_terminal_has_one_line_that_is_redrawn_and_erased(
    seconds: Seconds, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    stream = Stream(terminal=True)
    with ProgressLine("search.articles", stream, seconds) as shown:
        seconds.now += 60 * REDRAW_SECONDS
        shown.advance(2_500, 10_000)
        shown.advance(2_501, 10_000)  # too soon
        assert stream.getvalue() == (
            f"{ERASE}search.articles  [######------------------]  25%  2,500/10,000  0:00:18 left"
        )
        shown.say("a row")
        assert stream.getvalue().endswith("left" + ERASE)
        seconds.now += 3600
        shown.advance(10_000, 10_000)
        assert stream.getvalue().endswith(f"[{'#' * 24}] 100%  10,000/10,000")
    assert stream.getvalue().endswith(ERASE)
    assert "\n" not in stream.getvalue()
    assert capsys.readouterr().out == "a row\n"


def test_a_terminals_line_is_never_longer_than_the_terminal(
    seconds: Seconds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    stream = Stream(terminal=True)
    with ProgressLine("search.articles", stream, seconds) as shown:
        shown.note("a reason that is longer than the terminal is wide")
    assert stream.getvalue() == f"{ERASE}a reason that is lo{ERASE}"


def test_a_log_has_a_line_now_and_then_and_each_reason_once(seconds: Seconds) -> None:
    stream = Stream(terminal=False)
    with ProgressLine("search.articles", stream, seconds) as shown:
        for done in range(1, 101):
            seconds.now = 100.0 + LOG_SECONDS * done / 50
            shown.advance(done, 100)
        for _ in range(3):
            shown.note("the queue is full")
        shown.advance(100, 100)
    assert stream.getvalue().splitlines() == [
        "search.articles  [############------------]  50%  50/100  0:00:30 left",
        "search.articles  [########################] 100%  100/100",
        "the queue is full  [########################] 100%  100/100",
    ]


def test_the_end_of_a_reason_is_shown_where_the_line_stays(seconds: Seconds) -> None:
    stream = Stream(terminal=True)
    with ProgressLine("search.articles", stream, seconds) as shown:
        shown.note("")  # as before
        shown.note("the queue is full")
        shown.note("")
    assert stream.getvalue() == f"{ERASE}the queue is full{ERASE}search.articles{ERASE}"


def test_output_that_nothing_reads_any_more_ends_the_command_silently(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as closed:
        monkeypatch.setattr("sys.stdout", closed)
        with pytest.raises(SystemExit) as end:
            say("a row")
    assert end.value.code == CLOSED_OUTPUT == 141
    assert capsys.readouterr().err == ""
