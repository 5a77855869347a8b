"""`python -m deploy.local up|demo` runs the system on this machine until Ctrl-C; `subscriber NAME`
makes a RabbitMQ user on it.
"""

import asyncio
import contextlib
import fcntl
import os
import signal
import sys
from pathlib import Path

from deploy.local import demo
from deploy.local.console import Console
from deploy.local.server import StartError
from deploy.local.stack import ROOT, Stack
from deploy.local.subscriber import check_name, how_to_follow, make_subscriber
from luotdoc_subscriber.base.command import Command


async def run(command: str, folder: Path) -> int:
    """Start the stack, run until a signal or until one of its processes ends, stop it. Returns the
    exit code.
    """
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("needs a task to cancel")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # nohup ignores SIGHUP; the run must then survive it.
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    console = Console()
    try:
        stack = Stack(folder, os.environ, console)
    except ValueError as error:
        console.say(str(error))
        return 2
    try:
        await stack.up()
        if command == "demo":
            await demo.fill_site(stack, console)
            await demo.show(stack, console)
        console.say("ready")
        while True:
            stack.check()
            await asyncio.sleep(0.5)
    except asyncio.CancelledError:
        return 0
    except StartError as error:
        console.say(str(error))
        return 1
    finally:
        with contextlib.suppress(OSError):  # the terminal may be gone
            console.step("stopping")
        stack.down()
        console.step("stopped")


def add_subscriber(folder: Path, name: str) -> int:
    """Make a subscriber's user and print its address. Returns the exit code."""
    try:
        print(how_to_follow(make_subscriber(folder.resolve(), check_name(name))))
    except (StartError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def main() -> int:
    """Run the command, unless another process runs a stack in the folder. Returns the exit code."""
    parser = Command(prog="python -m deploy.local", description=__doc__)
    parser.add_argument("command", choices=["up", "demo", "subscriber"])
    parser.add_argument("name", nargs="?", metavar="NAME", help="of the subscriber")
    parser.add_argument(
        "--folder", type=Path, default=ROOT / ".local", help="where data and logs are kept"
    )
    arguments = parser.parse_args()
    if (arguments.command == "subscriber") != (arguments.name is not None):
        parser.error("subscriber takes a NAME, up and demo none")
    if arguments.command == "subscriber":
        return add_subscriber(arguments.folder, arguments.name)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with (arguments.folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"It is running already: see {arguments.folder / 'endpoints.json'}")
            return 1
        return asyncio.run(run(arguments.command, arguments.folder))


if __name__ == "__main__":
    sys.exit(main())
