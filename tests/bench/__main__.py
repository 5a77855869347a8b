"""`python -m tests.bench`: measure and print the table; see `--help`."""

import asyncio
import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import rich.console

from deploy.local import processes
from deploy.local.broker import Node
from deploy.local.database import Database
from luotdoc_subscriber.base.command import Command
from tests.bench import (
    asking,
    beacon,
    costs,
    counting,
    crowd,
    freshness,
    history,
    live,
    machine,
    memory,
    pages,
    pairs,
    publishing,
    redoing,
    replay,
    spool,
    wire,
)
from tests.bench.figures import Figure, table
from tests.bench.rig import Rig
from tests.support.system import ROOT, System

Measure = Callable[[Rig], Awaitable[list[Figure]]]
MEASURES: dict[str, Measure] = {
    module.NAME: module.measure
    for module in (
        beacon,
        counting,
        pairs,
        publishing,
        freshness,
        history,
        replay,
        memory,
        pages,
        redoing,
        spool,
        wire,
        costs,
        asking,
        crowd,
        live,
    )
}
ASKED_FOR = (asking.NAME, crowd.NAME)
"""Taken with `--only` alone: they need half an hour."""


async def run(
    names: Sequence[str],
    lengths: Mapping[str, bool],
    console: rich.console.Console,
    figures: list[Figure],
) -> bool:
    """Start broker and database, add the measures to `figures`, and leave no process behind.
    `lengths` has `quick` and `long` (`Rig`).

    Answers whether all could be taken.
    """
    cores, started, complete = machine.share_out(), time.monotonic(), True

    def tell(found: Sequence[Figure]) -> None:
        figures.extend(found)
        for each in found:
            console.print(f"         {each.line}", highlight=False)

    with tempfile.TemporaryDirectory(prefix="luotdoc-bench-") as name:
        folder = Path(name)
        os.environ["LOCAL_STACK_FOLDER"] = (
            name  # what is started inherits it, and is found by it at the end
        )
        broker, database = Node(folder / "rabbitmq"), Database(folder / "mongodb")
        try:
            with console.status("starting RabbitMQ and MongoDB") as status:
                with machine.pinned(cores.backing):
                    broker.start()
                    database.start()
                os.sched_setaffinity(0, cores.load)
                system = System(broker, database, folder)
                try:
                    rig = Rig(system, cores, tell, **lengths)
                    for number, chosen in enumerate(names, 1):
                        status.update(f"{number} of {len(names)}: {chosen}")
                        try:
                            tell(await MEASURES[chosen](rig))
                            said = "is measured"
                        except Exception:  # the others are worth having
                            console.print_exception()
                            said, complete = "FAILED", False
                        console.print(
                            f"{time.monotonic() - started:6.0f} s  {chosen} {said}", highlight=False
                        )
                finally:
                    await system.close()
        finally:
            broker.stop()
            database.stop()
            del os.environ["LOCAL_STACK_FOLDER"]
            processes.sweep(folder)
    return complete


def main() -> None:
    """Read the command line, measure, print."""
    parser = Command(
        prog="python -m tests.bench", description="Measure side by side, print ratios."
    )
    parser.add_argument(
        "--quick", action="store_true", help="short runs, rough figures: about 6 minutes, not 26"
    )
    parser.add_argument(
        "--long", action="store_true", help="asking: ten times the history too, most of an hour"
    )
    parser.add_argument(
        "--only", action="append", choices=MEASURES, help="this measure; may be given again"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON, too")
    chosen = parser.parse_args()
    console = rich.console.Console()
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))  # both end it in good order
    figures, complete = list[Figure](), False
    names = chosen.only or [name for name in MEASURES if name not in ASKED_FOR]
    lengths = {"quick": chosen.quick, "long": chosen.long}
    try:
        complete = asyncio.run(run(names, lengths, console, figures))
    finally:  # after Ctrl-C, what has been measured until then
        console.print(table(figures))
        if chosen.json:
            chosen.json.write_text(as_json(figures, chosen.quick))
    raise SystemExit(not complete)


def commit() -> str:
    """The commit that is measured; empty outside of a clone."""
    git = ["git", "rev-parse", "--short=12", "HEAD"]
    done = subprocess.run(git, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def as_json(figures: Sequence[Figure], quick: bool) -> str:
    """The content of `--json`'s file."""
    document = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "quick": quick,
        "cores": os.cpu_count(),
        "figures": [figure.as_json() for figure in figures],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    main()
