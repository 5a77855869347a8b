"""The runner's output: lines with the time since its start, and progress bars on a terminal."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import rich.console
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

_PLAIN_EVERY_SECONDS = 5.0


class Advance(Protocol):
    """Called after each unit of work."""

    def __call__(self) -> None: ...


class Console:
    """Writes to a terminal. A file or pipe gets lines and no progress bars."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._terminal = rich.console.Console(highlight=False, soft_wrap=True)
        self._last_line = float("-inf")
        self._live: Live | None = None

    def say(self, text: str = "") -> None:
        """Print `text` as a line."""
        print(text, flush=True)

    def step(self, text: str) -> None:
        """Print `text`, about a step that is done, after the seconds since the start."""
        self.say(f"{time.monotonic() - self._started:6.1f} s  {text}")

    @contextmanager
    def progress(self, text: str, total: int) -> Iterator[Advance]:
        """Show a bar while `total` units are done, and print a line at the end."""
        with Progress(
            TextColumn("          {task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            console=self._terminal,
            transient=True,
            disable=not self._terminal.is_terminal,
        ) as bar:
            task = bar.add_task(text, total=total)
            yield lambda: bar.advance(task)
        self.step(f"{text}: {total}")

    @contextmanager
    def refreshing(self) -> Iterator[None]:
        """Inside the block, `refresh` redraws one line of the terminal."""
        if not self._terminal.is_terminal:
            yield
            return
        with Live(console=self._terminal, auto_refresh=False) as self._live:
            yield
        self._live = None

    def refresh(self, text: str) -> None:
        """Show `text` in the line of `refreshing`. Without a terminal, print it as a line, at most
        every 5 s.
        """
        if self._live:
            self._live.update(Text(text, overflow="ellipsis", no_wrap=True), refresh=True)
        elif time.monotonic() - self._last_line >= _PLAIN_EVERY_SECONDS:
            self._last_line = time.monotonic()
            self.say(text)
