"""What a subscriber's own user may do with its queues: list, show, redrive and discard, and replay.
No MongoDB.
"""

import orjson
import pytest

from tests.integration.conftest import Subscriber
from tests.integration.test_permissions import QUORUM, channel_of, taken
from tests.support.system import System, until
from tests.support.wire import forget, publish, sample

QUEUE = "search.mine"


@pytest.fixture
async def queue(system: System, reader: str) -> str:
    """A queue of search, which its owner declared without the kit, with a parked queue beside
    it.
    """
    await forget(system, QUEUE)
    async with channel_of(reader) as channel:
        await channel.declare_queue(f"{QUEUE}.parked", durable=True, arguments=QUORUM)
        mine = await channel.declare_queue(QUEUE, durable=True, arguments=QUORUM)
        await mine.bind("luotdoc.events", "article.*")
    return QUEUE


async def test_parked_messages(system: System, reader: str, queue: str) -> None:
    own = {"amqp_url": reader, "mongo_url": ""}
    for article in ("a1", "a2"):
        await publish(
            system,
            [sample("article.published", article, 1)],
            {"x-luotdoc-reason": "bug"},
            f"{queue}.parked",
        )
    listed = await system.command("shared.parked", "list", queue, **own)
    assert "2 parked" in listed.stdout, listed.stderr
    first, second = (line.split()[0] for line in listed.stdout.splitlines()[1:])
    assert '"a1"' in (await system.command("shared.parked", "show", queue, first, **own)).stdout
    redriven = await system.command("shared.parked", "redrive", queue, first, **own)
    assert (redriven.returncode, redriven.stdout) == (0, f"{first}  redriven\n"), redriven.stderr
    discarded = await system.command("shared.parked", "discard", queue, second, **own)
    assert (discarded.returncode, discarded.stdout) == (0, f"{second}  discarded\n"), (
        discarded.stderr
    )
    async with channel_of(reader) as channel:
        assert orjson.loads(await taken(await channel.get_queue(queue)))["subject"] == "a1"
    assert await system.queue_depth(f"{queue}.parked") == 0


async def test_a_replay(system: System, reader: str, queue: str) -> None:
    await publish(system, [sample("article.published", "a1", 1), sample("page.rendered", "a1", 1)])
    await until(lambda: _depth(system, queue), 5, "the live event")
    done = await system.command("shared.replay", "--to", queue, amqp_url=reader, mongo_url="")
    assert done.returncode == 0, done.stderr
    assert "2 events sent" in done.stdout
    assert await system.queue_depth(queue) == 3


async def _depth(system: System, queue: str) -> bool:
    return await system.queue_depth(queue) == 1


@pytest.mark.parametrize(
    "command",
    [
        ("shared.parked", "list", QUEUE),
        ("shared.parked", "redrive", QUEUE, "--all"),
        ("shared.replay", "--to", QUEUE),
    ],
)
async def test_the_queue_of_another(
    system: System, subscriber: Subscriber, queue: str, command: tuple[str, ...]
) -> None:
    await publish(system, [sample("article.published", "a1", 1)])
    await publish(system, [sample("article.published", "a1", 1)], {}, f"{queue}.parked")
    done = await system.command(*command, amqp_url=subscriber("mailer"), mongo_url="")
    assert done.returncode == 1
    told = [line for line in done.stderr.splitlines() if line][-1]  # behind the bar of a replay
    assert "ACCESS_REFUSED" in told
    assert "set LUOTDOC_AMQP_URL to the owner's address or an administrator's" in told
    assert "again" not in told
