"""The faults of a start, in words: what RabbitMQ refuses, and the command that mends it.

A fault that may pass by itself is waited for. `beyond_waiting` finds those that only people can
mend. RabbitMQ gives the cause in its text alone, and up to 3.10 the text does not name the right
that is missing; `during` notes the operation, from which the right follows.
"""

import re
import shlex
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Literal

from aiormq.exceptions import (
    ChannelAccessRefused,
    ChannelNotFoundEntity,
    ChannelPreconditionFailed,
)

from luotdoc_subscriber.base.plainly import first_line
from luotdoc_subscriber.rabbit import layout

Operation = Literal[
    "declare exchange", "declare queue", "declare routed queue", "bind", "consume", "publish"
]

_RIGHTS: dict[Operation, dict[str, str]] = {
    "declare exchange": {"exchange": "configure"},
    "declare queue": {"queue": "configure"},
    # with a dead-letter exchange
    "declare routed queue": {"queue": "configure or read", "exchange": "write"},
    "bind": {"queue": "write", "exchange": "read"},
    "consume": {"queue": "read"},
    "publish": {"exchange": "write"},
}
"""The right that an operation needs on each kind of thing."""
SHARED = {layout.EVENTS_EXCHANGE.name, layout.EVENTS_LOG.name}
"""What a subscriber may read although its name does not begin with the user's."""
_ACCESS = re.compile(
    r"(?:(?P<right>configure|write|read) )?access to (?P<kind>exchange|queue|topic) "
    r"'(?P<name>.*?)' (?:in exchange '(?P<exchange>.*?)' )?in vhost '(?P<vhost>.*)' refused for "
    r"user '(?P<user>.*)'"
)
_VHOST = re.compile(r"access to vhost '(?P<vhost>.*)' refused for user '(?P<user>.*?)'(?P<more>.*)")
_NO_VHOST = re.compile(r"NOT_ALLOWED - vhost (?P<vhost>.*?) not found")
_ABSENT = re.compile(
    r"no (?P<kind>exchange|queue) '(?P<name>luotdoc\..*?)' in vhost '(?P<vhost>.*)'"
)
_OTHER_ARGUMENT = re.compile(
    r"inequivalent arg '(?P<argument>.*?)' for (?P<kind>queue|exchange) '(?P<name>.*)' in vhost "
    r"'(?P<vhost>.*?)'(?P<more>.*)"
)
_LOGIN = "correct the user or the password in LUOTDOC_AMQP_URL, or add the user to RabbitMQ"


@contextmanager
def during(operation: Operation) -> Iterator[None]:
    """Note on a refusal of RabbitMQ's that it came during `operation`."""
    try:
        yield
    except ChannelAccessRefused as error:
        error.add_note(operation)
        raise


def reason_of_wait(error: BaseException) -> str:
    """The text of one of `BROKER_ERRORS` for people, with the remedy if it is known."""
    reason = first_line(error)
    if isinstance(error, ChannelNotFoundEntity):
        reason += "; has `python -m shared.setup` run?"
    if "Login was refused" in reason:
        reason += f"; {_LOGIN}"
    return reason


def beyond_waiting(error: BaseException, works: Collection[str]) -> str | None:
    """The text for a fault of a subscriber's start that waiting does not mend, with the right, the
    name or the exchange, and the command that mends it. None for any other fault.

    `works` are the names of its work queues.
    """
    text = " ".join(str(error).split())
    if "Login was refused" in text:
        return (
            f"RabbitMQ refuses the login: {_LOGIN}: `rabbitmqctl change_password USER PASSWORD`, "
            "or `rabbitmqctl add_user USER PASSWORD`"
        )
    if found := _NO_VHOST.search(text):
        return (
            f"there is no vhost {found['vhost']}: correct the path of LUOTDOC_AMQP_URL, which is "
            "empty or `/` for the vhost `/`; `rabbitmqctl list_vhosts` lists them"
        )
    if (found := _VHOST.search(text)) and not found["more"].startswith(":"):
        user, vhost = found["user"], found["vhost"]
        return (
            f"the user {user} has no rights in the vhost {vhost!r}: correct the path of "
            f"LUOTDOC_AMQP_URL, or run {command(user, vhost)}"
        )
    if isinstance(error, ChannelAccessRefused) and "in exclusive use" not in text:
        return _refused(error, text, works)
    if isinstance(error, ChannelNotFoundEntity) and (found := _ABSENT.search(text)):
        return (
            f"the {found['kind']} {found['name']} does not exist in the vhost "
            f"{found['vhost']!r}: correct the path of LUOTDOC_AMQP_URL, or let the operators run "
            "`python -m shared.setup`, which declares it"
        )
    if isinstance(error, ChannelPreconditionFailed):
        return _other_arguments(text)
    return None


def command(user: str, vhost: str) -> str:
    """The command that gives `user` a subscriber's rights, those of
    deploy/rabbitmq/subscriber.json.
    """
    name = re.escape(user).replace(r"\-", "-")
    own, read = rf"^{name}\.", rf"^({name}\..*|luotdoc\.events(\.log)?)$"
    words = ("rabbitmqctl", "set_permissions", "-p", vhost, user, own, own, read)
    return f"`{shlex.join(words)}`"


def _refused(error: BaseException, text: str, works: Collection[str]) -> str:
    found = _ACCESS.search(text)
    if found is None:
        return f"RabbitMQ refuses the start: {text:.300}"
    user, kind, name, vhost = found["user"], found["kind"], found["name"], found["vhost"]
    if kind == "topic":
        words = ("rabbitmqctl", "clear_topic_permissions", "-p", vhost, user)
        return (
            f"the user {user} lacks the right read on the topic {name} of the exchange "
            f"{found['exchange']}: run `{shlex.join(words)}`"
        )
    if name not in SHARED and not name.startswith(f"{user}."):
        return (
            f"the user {user} may not use the {kind} {name}: the names of its queues must begin "
            f"with `{user}.`. Rename the queue in the code, or set LUOTDOC_AMQP_URL to the address "
            f"of the user {name.partition('.')[0]}"
        )
    right = found["right"] or _right(error, kind, name in works)
    kind = "stream" if name == layout.EVENTS_LOG.name else kind
    return (
        f"the user {user} lacks the right {right} on the {kind} {name} in the vhost {vhost!r}: run "
        f"{command(user, vhost)}"
    )


def _right(error: BaseException, kind: str, declared: bool) -> str:
    """The right that is missing, by the operation that `during` has noted.

    Without a note FastStream has declared a temporary queue, bound it or consumed.
    """
    for note in getattr(error, "__notes__", ()):
        if note in _RIGHTS:
            return _RIGHTS[note].get(kind, "read")
    return "configure" if kind == "queue" and not declared else "read"


def _other_arguments(text: str) -> str:
    found = _OTHER_ARGUMENT.search(text)
    if found is None:
        return f"RabbitMQ refuses a declaration: {text:.300}"
    kind, name, vhost = found["kind"], found["name"], found["vhost"]
    if kind == "queue":
        return (
            f"the queue {name} exists with another {found['argument']}{found['more']:.200}; a "
            "queue's arguments can't be changed. Stop its consumers, run "
            f"`{shlex.join(('rabbitmqctl', 'delete_queue', '-p', vhost, name))}`, which deletes "
            "its messages, start again and have the events replayed"
        )
    return (
        f"the exchange {name} exists with another {found['argument']}{found['more']:.200}: run "
        f"`{shlex.join(('rabbitmqadmin', '-V', vhost, 'delete', 'exchange', f'name={name}'))}`, "
        "and start again"
    )
