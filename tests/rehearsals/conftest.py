"""A system on servers of its own, because a rehearsal destroys what they store."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deploy.local.broker import Node
from deploy.local.database import Database
from deploy.local.server import Server
from tests.support.system import System

SECONDS = 900.0
"""For a server to start on a busy machine."""


@pytest.fixture
async def apart(tmp_path: Path) -> AsyncIterator[System]:
    """RabbitMQ and MongoDB that no other test uses, with everything declared."""
    broker, database = Node(tmp_path / "rabbitmq"), Database(tmp_path / "mongodb")
    servers: tuple[Server, ...] = (broker, database)
    try:
        await asyncio.gather(*(asyncio.to_thread(each.start, SECONDS) for each in servers))
        system = System(broker, database, tmp_path)
        try:
            await system.reset()
            yield system
        finally:
            await system.close()
    finally:
        await asyncio.gather(*(asyncio.to_thread(each.stop) for each in servers))
