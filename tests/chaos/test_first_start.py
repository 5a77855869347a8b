"""RabbitMQ dies within seconds of the first setup: what it then does not bring up is made again."""

import asyncio
from pathlib import Path

import aio_pika
import pytest
from aio_pika.abc import AbstractConnection
from aio_pika.exceptions import ChannelNotFoundEntity

from deploy.local.broker import Node
from luotdoc_subscriber.rabbit import layout
from luotdoc_subscriber.rabbit.broker import connect, make_broker
from shared.base.settings import Settings
from shared.rabbit import declaring, topology
from tests.support.system import until


async def _is_there(connection: AbstractConnection, name: str) -> bool:
    try:
        async with connection.channel() as channel:
            await channel.declare_queue(name, passive=True)
    except ChannelNotFoundEntity:
        return False
    return True


@pytest.mark.long
async def test_a_setup_that_was_cut_off_is_begun_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    node = Node(tmp_path / "rabbitmq")
    await asyncio.to_thread(node.start)
    settings = Settings(amqp_url=node.url, mongo_url="mongodb://127.0.0.1:9/x")
    broker = make_broker(settings, "setup")
    setup = asyncio.create_task(connect(broker, node.url, declaring.declare, 60))
    try:
        async with await aio_pika.connect(node.url) as connection:
            await until(
                lambda: _is_there(connection, topology.READS_LOG.name),
                20,
                "the last one is declared",
            )
        assert not setup.done(), "nothing is led into them before RabbitMQ has written them down"
        await asyncio.to_thread(node.kill)
        await asyncio.to_thread(node.start)
        down = await asyncio.to_thread(
            node.control, "list_queues", "--no-table-headers", "name", "state"
        )
        # No client can delete a stream that is down: operations.md has the operator's line for it.
        for stream in (layout.EVENTS_LOG.name, topology.READS_LOG.name):
            if f"{stream}\tdown" in down:
                gone = f'rabbit_misc:r(<<"/">>,queue,<<"{stream}">>)'
                forget = f'rabbit_amqqueue:internal_delete({gone}, <<"operator">>).'
                await asyncio.to_thread(node.control, "eval", forget)
        await asyncio.wait_for(setup, 120)
        assert "is down since RabbitMQ died" in caplog.text
        async with await aio_pika.connect(node.url) as connection:
            channel = await connection.channel()
            exchange = await channel.get_exchange(topology.READS_EXCHANGE.name)
            sent = await exchange.publish(aio_pika.Message(b"x"), topology.READS_KEY, timeout=5)
            assert sent is not None
            queue = await channel.get_queue(topology.COUNTER_READS.name)
            message = await queue.get(timeout=5)
            assert message.body == b"x"
            await message.ack()
    finally:
        setup.cancel()
        await asyncio.gather(setup, return_exceptions=True)
        await broker.stop()
        await asyncio.to_thread(node.stop)
