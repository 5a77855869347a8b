"""A line on standard error that shows how far a command has come, without a library of its own."""

import shutil
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self, TextIO

from luotdoc_subscriber.base.plainly import say

REDRAW_SECONDS = 0.1
LOG_SECONDS = 30.0
"""Interval of lines where standard error is no terminal, such as in a log."""
BAR_WIDTH = 24


class ProgressLine:
    """Name, bar, numbers and remaining time. Shows nothing of what ends within the interval.

    On a terminal the line is redrawn in place, and erased at the end; elsewhere a new line is
    written every `LOG_SECONDS`.
    """

    def __init__(
        self,
        name: str,
        stream: TextIO | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`monotonic` answers seconds. The stream is standard error unless given."""
        self._name, self._monotonic = name, monotonic
        self._stream = stream or sys.stderr
        self._terminal = self._stream.isatty()
        self._every = REDRAW_SECONDS if self._terminal else LOG_SECONDS
        self._began = self._shown = monotonic()
        self._done, self._total, self._note = 0, 0, ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._erase()

    def advance(self, done: int, total: int) -> None:
        """Set the numbers: `done` of `total`."""
        self._done, self._total = done, total
        if self._monotonic() - self._shown >= self._every:
            self._draw()

    def note(self, text: str) -> None:
        """Show `text` instead of the name, such as why the command waits. Empty: the name again."""
        if text != self._note:
            self._note = text
            self._draw()

    def say(self, line: str) -> None:
        """Print `line` on standard output, above this line."""
        self._erase()
        say(line)

    def _draw(self) -> None:
        self._shown = self._monotonic()
        text = self._text()
        if self._terminal:
            width = shutil.get_terminal_size().columns - 1  # a full line would wrap
            self._stream.write(f"\r\x1b[K{text[:width]}")
        else:
            self._stream.write(f"{text}\n")
        self._stream.flush()

    def _erase(self) -> None:
        if self._terminal:
            self._stream.write("\r\x1b[K")
            self._stream.flush()

    def _text(self) -> str:
        name = self._note or self._name
        if not self._total:
            return name
        part = min(1.0, self._done / self._total)
        bar = ("#" * round(part * BAR_WIDTH)).ljust(BAR_WIDTH, "-")
        return f"{name}  [{bar}] {part:4.0%}  {self._done:,}/{self._total:,}{self._left(part)}"

    def _left(self, part: float) -> str:
        if not 0 < part < 1:
            return ""
        seconds = round((self._monotonic() - self._began) * (1 - part) / part)
        return f"  {seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02} left"
