"""`make subscriber NAME=search`: a user on the broker that runs, with the rights of a
subscriber.
"""

import json
from pathlib import Path

import aio_pika
import pytest
from aiormq.exceptions import ChannelAccessRefused

from deploy.local.broker import Node
from deploy.local.server import StartError
from deploy.local.subscriber import LIMITS, check_name, how_to_follow, make_subscriber


@pytest.fixture
def folder(broker: Node, tmp_path: Path) -> Path:
    """A running stack's folder, as far as the command looks."""
    (tmp_path / "rabbitmq").symlink_to(broker.folder)
    (tmp_path / "endpoints.json").write_text(json.dumps({"pids": {"rabbitmq": broker.pid}}))
    return tmp_path


async def test_a_user_with_a_subscribers_rights_and_the_same_again(
    broker: Node, folder: Path
) -> None:
    url = make_subscriber(folder, "mail-1")
    try:
        assert make_subscriber(folder, "mail-1") == url
        assert f"docs/examples/follow.sh {url.rstrip('/')}\n" in how_to_follow(url)
        assert (folder / "subscribers/mail-1").stat().st_mode & 0o777 == 0o600
        async with await aio_pika.connect(url) as connection:
            channel = await connection.channel()
            await channel.declare_queue("mail-1.articles", exclusive=True)
            with pytest.raises(ChannelAccessRefused):
                await channel.declare_queue("render.articles", passive=False, durable=True)
        _, brace, told = broker.control("list_user_limits", "--user", "mail-1").partition("{")
        assert json.loads(brace + told) == json.loads(LIMITS)
        broker.control(
            "delete_user", "mail-1"
        )  # as with a new broker: the password that is known stays
        assert make_subscriber(folder, "mail-1") == url
        async with await aio_pika.connect(url):
            pass
    finally:
        broker.control("delete_user", "mail-1")


@pytest.mark.parametrize(
    "name", ["", "Search", "1a", "a.b", "a" * 64, "-a", "thư", "a b", "a\n", "render", "luotdoc"]
)
def test_a_name_that_a_subscriber_may_not_have(name: str) -> None:
    with pytest.raises(ValueError, match=r"^NAME="):
        check_name(name)


def test_without_a_stack_or_with_another_broker_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="start `make demo`"):
        make_subscriber(tmp_path, "search")
    (tmp_path / "endpoints.json").write_text(json.dumps({"pids": {"mongod": 1}}))
    with pytest.raises(StartError, match=r"docs/subscribers\.md"):
        make_subscriber(tmp_path, "search")
