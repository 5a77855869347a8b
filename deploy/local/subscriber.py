"""The command `subscriber NAME`: makes a RabbitMQ user for a team on the running private broker."""

import json
import re
import secrets
import subprocess
from pathlib import Path

from deploy.local.broker import Node
from deploy.local.files import keep_private
from deploy.local.server import StartError

_RIGHTS = Path(__file__).parents[1] / "rabbitmq/subscriber.json"
_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")
TAKEN = frozenset({"setup", "ingest", "render", "counter", "stats", "luotdoc"})


LIMITS = '{"max-connections": 20, "max-channels": 200}'
"""The same limits as in docs/subscribers.md."""


def check_name(name: str) -> str:
    """`name`, if a subscriber may have it. Raises ValueError with the reason if not."""
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"NAME={name}: must be lower-case letters, digits and hyphens, and begin with a letter"
        )
    if name in TAKEN:
        raise ValueError(f"NAME={name}: is taken by Lượt Đọc itself; take another")
    return name


def make_subscriber(folder: Path, name: str) -> str:
    """Make the user, or bring its rights up to date. Returns its address.

    The password is kept in `folder`, so the address of a user never changes. Raises StartError.
    """
    try:
        running = json.loads((folder / "endpoints.json").read_text())["pids"]
    except FileNotFoundError:
        raise StartError(
            "nothing runs here: start `make demo` or `make up` first, and leave it running"
        ) from None
    if Node.name not in running:
        raise StartError(
            "RabbitMQ is not this stack's own: see docs/subscribers.md, For the operators"
        )
    broker = Node.running(folder / "rabbitmq")
    password = keep_private(folder / "subscribers" / name, lambda: secrets.token_hex(24))
    known = [
        line.split("\t")[0]
        for line in broker.control("list_users", "--no-table-headers").splitlines()
    ]
    try:
        broker.control(
            "change_password" if name in known else "add_user", name, stdin=f"{password}\n"
        )
        broker.control("import_definitions", stdin=_RIGHTS.read_text().replace("NAME", name))
        broker.control("set_user_limits", name, LIMITS)
    except subprocess.CalledProcessError as error:
        raise StartError(f"rabbitmqctl {error.cmd[-2]} failed: {error.stdout}") from error
    return broker.url_with(name, password)


def how_to_follow(url: str) -> str:
    """The text to print: the address, and the command that shows events."""
    return f"""
  Address       {url}
  See events    docs/examples/follow.sh {url.rstrip("/")}

The same name again gives the same address.
The guide for developers of subscribers is docs/subscribers.md.
"""
