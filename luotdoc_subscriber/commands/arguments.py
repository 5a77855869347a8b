"""Reads the arguments of commands. argparse shows their errors."""

import argparse
import re
from datetime import datetime

RATE = 500.0
"""Default rate of a replay in events a second."""


def queue_name(text: str) -> str:
    """A queue's name. Names with endings such as `.direct` are made from it, so it is shorter than
    what RabbitMQ takes.
    """
    if not re.fullmatch(r"[A-Za-z0-9_.:@#,/+ -]{1,120}", text):
        raise argparse.ArgumentTypeError(
            f"{ascii(text)[:80]} is no name of a queue: up to 120 letters (a-z), digits and - _ . :"
        )
    return text


def parked_handle(text: str) -> str:
    """A parked message's handle, as `list` shows it."""
    if not re.fullmatch(r"[0-9a-f]{8}", text):
        raise argparse.ArgumentTypeError(
            f"{ascii(text)[:80]} is no handle: `list` shows them, eight digits and letters a to f"
        )
    return text


def moment(text: str) -> datetime:
    """A time with its offset."""
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
    """A rate."""
    if not re.fullmatch(r"[0-9]{1,5}(\.[0-9]+)?", text) or not 0.1 <= float(text) <= 50_000:
        raise argparse.ArgumentTypeError(
            f"{text}: must be a number of events a second, from 0.1 to 50000"
        )
    return float(text)


def add_target_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of every replay: --to, --rate, --restart."""
    parser.add_argument(
        "--to",
        required=True,
        type=queue_name,
        metavar="QUEUE",
        help="the subscriber's queue; it must exist",
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
