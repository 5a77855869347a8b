"""The run's own RabbitMQ and MongoDB, started once. A server that cannot be started fails the run."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from deploy.local.broker import Broker
from deploy.local.database import Database
from tests.support.system import System


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A RabbitMQ node; LUOTDOC_RABBITMQ_SERVER chooses which."""
    node = Broker(tmp_path_factory.mktemp("rabbitmq"))
    node.start()
    yield node
    node.stop()


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A MongoDB replica set of one."""
    server = Database(tmp_path_factory.mktemp("mongodb"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def mongo_url(database: Database) -> str:
    """The address of the database."""
    return database.url


@pytest.fixture
async def system(broker: Broker, database: Database, tmp_path: Path) -> AsyncIterator[System]:
    """An empty system; the test starts the services that it needs."""
    one = System(broker, database, tmp_path)
    await one.reset()
    try:
        yield one
    finally:
        await one.close()
