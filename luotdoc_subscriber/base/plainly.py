"""One-line messages, without a traceback, for faults that an operator must correct;
they say what to do.
"""

import asyncio
import io
import logging
import os
import sys
from collections.abc import Coroutine
from typing import Any

from luotdoc_subscriber.base.errors import Refused, Transient

CLOSED_OUTPUT = 141
"""Exit status of a command whose output is not read to the end, as a shell shows it for SIGPIPE."""


def first_line(error: BaseException) -> str:
    """An error's text as one line of at most 300 characters;
    the name of its type if it has no text.
    """
    return " ".join(str(error).split())[:300] or type(error).__name__


def say(line: str) -> None:
    """Print `line` on standard output. Ends the process silently if nothing reads it any more, as
    behind `| head`.
    """
    try:
        print(line, flush=True)  # noqa: T201  (a command's answer)
    except BrokenPipeError:
        # Python flushes once more at exit, and would fail again with a traceback.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(CLOSED_OUTPUT) from None


def perform(work: Coroutine[Any, Any, int | None], stopped: str = "stopped") -> int:
    """Run an operator's command and answer its exit status.
    Faults that its user can correct: one line, status 1.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # its encoding may lack Vietnamese letters
            stream.reconfigure(errors="backslashreplace")
    for name in ("aio_pika", "aiormq"):  # they log each failure a second time
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        return asyncio.run(work) or 0
    except Refused as error:
        told = str(error)
    except Transient as error:
        told = f"{error}; run this again once it is back"
    except KeyboardInterrupt:
        sys.stderr.write(f"{stopped}\n")
        return 130
    sys.stderr.write(f"{told}\n")
    return 1
