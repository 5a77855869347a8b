"""The common part of the replay commands: arguments, progress and error messages."""

import argparse
import os
import re
from collections.abc import Coroutine
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress

from luotdoc_subscriber.base import plainly
from shared.operators.target import RATE, told_plainly


def progress() -> Progress:
    """A progress bar on standard error."""
    return Progress(
        *Progress.get_default_columns(), MofNCompleteColumn(), console=Console(stderr=True)
    )


def moment(text: str) -> datetime:
    """Parse a time with its offset, for argparse."""
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        read = None
    if read is None or read.tzinfo is None:
        raise argparse.ArgumentTypeError(
            f"{text}: must be a time with its offset, such as 2026-11-01T00:00:00+07:00"
        )
    return read


def events_a_second(text: str) -> float:
    """Parse a rate, for argparse."""
    if not re.fullmatch(r"[0-9]{1,5}(\.[0-9]+)?", text) or not 0.1 <= float(text) <= 50_000:
        raise argparse.ArgumentTypeError(
            f"{text}: must be a number of events a second, from 0.1 to 50000"
        )
    return float(text)


def add_target_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of every replay: --to, --rate, --restart."""
    parser.add_argument(
        "--to", required=True, metavar="QUEUE", help="the subscriber's queue; it must exist"
    )
    parser.add_argument(
        "--rate",
        type=events_a_second,
        default=RATE,
        help=f"events a second at most, {RATE:g} unless you say otherwise",
    )
    parser.add_argument(
        "--restart", action="store_true", help="forget how far a stopped replay came"
    )


def perform_replay(work: Coroutine[Any, Any, None]) -> int:
    """Run a replay to its end, at low CPU priority. Answers the exit status."""
    os.nice(10)

    async def run() -> None:
        with told_plainly():
            await work

    return plainly.perform(run(), "stopped; the same command goes on from here")
