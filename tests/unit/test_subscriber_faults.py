"""What RabbitMQ refuses at a start, by its text: of 3.10 and of 4, which also names the right."""

import json
import shlex
from pathlib import Path

import pytest
from aiormq.exceptions import (
    ChannelAccessRefused,
    ChannelLockedResource,
    ChannelNotFoundEntity,
    ChannelPreconditionFailed,
    InvalidFrameError,
    ProbableAuthenticationError,
)
from pamqp import commands

from luotdoc_subscriber.rabbit import properties
from luotdoc_subscriber.rabbit.faults import Operation, beyond_waiting, command, during

RIGHTS = Path(__file__).parents[2] / "deploy/rabbitmq/subscriber.json"
IN = "in vhost '/' refused for user 'search'"


def closed(code: int, text: str) -> InvalidFrameError:
    """As aiormq raises it where RabbitMQ refuses to open a vhost."""
    properties.install()
    frame = commands.Connection.Close(code, text, 10, 40)
    return InvalidFrameError(f"Expected one of ['Connection.OpenOk'], got {frame!r}")


MENDED = {
    "the user of 4 names the right": (
        ChannelAccessRefused(f"ACCESS_REFUSED - write access to queue 'search.articles' {IN}"),
        "the user search lacks the right write on the queue search.articles in the vhost '/': run "
        "`rabbitmqctl set_permissions -p / search ",
    ),
    "a topic, in the words of 4": (
        ChannelAccessRefused(
            f"ACCESS_REFUSED - read access to topic 'page.*' in exchange 'luotdoc.events' {IN}"
        ),
        "lacks the right read on the topic page.* of the exchange luotdoc.events: run "
        "`rabbitmqctl clear_topic_permissions -p / search`",
    ),
    "a reserved name": (
        ChannelAccessRefused("ACCESS_REFUSED - queue name 'amq.x' contains reserved prefix"),
        "RabbitMQ refuses the start: ACCESS_REFUSED - queue name 'amq.x'",
    ),
    "a vhost that is not there": (
        closed(530, "NOT_ALLOWED - vhost news not found"),
        "there is no vhost news: correct",
    ),
    "a vhost without rights": (
        closed(530, "NOT_ALLOWED - access to vhost 'news' refused for user 'search'"),
        "the user search has no rights in the vhost 'news': correct the path of LUOTDOC_AMQP_URL, "
        "or run `rabbitmqctl set_permissions -p news search ",
    ),
    "a login": (
        ProbableAuthenticationError("ACCESS_REFUSED - Login was refused using PLAIN"),
        "RabbitMQ refuses the login",
    ),
    "too many queues": (
        ChannelPreconditionFailed(
            "PRECONDITION_FAILED - cannot declare queue 'search.new': queue limit in vhost '/' "
            "(2000) is reached"
        ),
        "RabbitMQ refuses a declaration: PRECONDITION_FAILED - cannot declare queue 'search.new'",
    ),
    "an exchange": (
        ChannelNotFoundEntity("NOT_FOUND - no exchange 'luotdoc.events' in vhost 'news'"),
        "the exchange luotdoc.events does not exist in the vhost 'news': correct the path",
    ),
}
WAITED_FOR = {
    "a consumer that excludes others": ChannelAccessRefused(
        "ACCESS_REFUSED - queue 'search.articles' in vhost '/' in exclusive use"
    ),
    "a queue of another connection": ChannelLockedResource(
        "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue 'search.articles'"
    ),
    "a queue that is down": ChannelNotFoundEntity(
        "NOT_FOUND - home node 'a@b' of durable queue 'luotdoc.events.log' in vhost '/' is down or "
        "inaccessible"
    ),
    "a queue that is gone between two steps": ChannelNotFoundEntity(
        "NOT_FOUND - no queue 'search.articles' in vhost '/'"
    ),
    "a vhost that is down": closed(
        530, "NOT_ALLOWED - access to vhost '/' refused for user 'search': vhost '/' is down"
    ),
    "a limit of the vhost": closed(
        530,
        "NOT_ALLOWED - access to vhost '/' refused for user 'search': connection limit (1) is "
        "reached",
    ),
    "a limit of the user": closed(
        530,
        "NOT_ALLOWED - connection refused for user 'search': user connection limit (20) is reached",
    ),
    "a node that goes": closed(541, "INTERNAL_ERROR - access to vhost '/' refused"),
    "no answer": TimeoutError(),
    "no server": ConnectionRefusedError(111, "Connect call failed"),
}


@pytest.mark.parametrize("what", MENDED)
def test_what_people_must_mend_is_told_with_the_command(what: str) -> None:
    error, text = MENDED[what]
    assert text in (beyond_waiting(error, ["search.articles"]) or "")


@pytest.mark.parametrize("what", WAITED_FOR)
def test_what_may_pass_is_waited_for(what: str) -> None:
    assert beyond_waiting(WAITED_FOR[what], ["search.articles"]) is None


@pytest.mark.parametrize(
    ("operation", "kind", "right"),
    [
        ("declare exchange", "exchange", "configure"),
        ("declare queue", "queue", "configure"),
        ("declare routed queue", "queue", "configure or read"),
        ("declare routed queue", "exchange", "write"),
        ("bind", "queue", "write"),
        ("bind", "exchange", "read"),
        ("consume", "queue", "read"),
        ("publish", "exchange", "write"),
    ],
)
def test_up_to_310_the_operation_tells_the_right(
    operation: Operation, kind: str, right: str
) -> None:
    error = ChannelAccessRefused(f"ACCESS_REFUSED - access to {kind} 'search.x' {IN}")
    with pytest.raises(ChannelAccessRefused) as refused, during(operation):
        raise error
    text = beyond_waiting(refused.value, ["search.x"])
    assert f"lacks the right {right} on the {kind} search.x" in (text or "")


@pytest.mark.parametrize(
    ("name", "right"), [("search.x", "read"), ("search.counts.0a1b", "configure")]
)
def test_without_a_note_a_work_queue_was_consumed_and_another_declared(
    name: str, right: str
) -> None:
    error = ChannelAccessRefused(f"ACCESS_REFUSED - access to queue '{name}' {IN}")
    assert f"right {right} on the queue {name}" in (beyond_waiting(error, ["search.x"]) or "")


@pytest.mark.parametrize("user", ["search", "cache-purger"])
def test_the_command_gives_the_rights_of_the_file(user: str) -> None:
    (rights,) = json.loads(RIGHTS.read_text().replace("NAME", user))["permissions"]
    words = shlex.split(command(user, "/").strip("`"))
    assert words == [
        *("rabbitmqctl", "set_permissions", "-p", "/", user),
        *(rights["configure"], rights["write"], rights["read"]),
    ]


def test_a_users_name_is_no_pattern() -> None:
    assert r"^my\.team\." in command("my.team", "/")
