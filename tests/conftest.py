"""The run's own RabbitMQ and MongoDB, started once. A server that cannot be started fails the run."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from deploy.local.broker import Broker
from deploy.local.database import Database
from tests.support.system import System
from tests.support.witness import Judge, Witness

_JUDGE = pytest.StashKey[Judge]()


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


@pytest.fixture(scope="session")
def judge(pytestconfig: pytest.Config) -> Iterator[Judge]:
    """Says what is wrong with an event."""
    with Judge() as judge:
        pytestconfig.stash[_JUDGE] = judge
        yield judge


@pytest.fixture
async def system(broker: Broker, database: Database, judge: Judge, tmp_path: Path) -> AsyncIterator[System]:
    """An empty system; the test starts the services that it needs. Every event that they publish must be as told."""
    one, witness = System(broker, database, tmp_path), Witness(broker.url, judge)
    await one.reset()
    await witness.open()
    try:
        yield one
    finally:
        await one.close()
        faults = await witness.faults()
        await witness.close()
        assert faults == []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many events were judged."""
    if judge := terminalreporter.config.stash.get(_JUDGE, None):
        told = ", ".join(f"{kind} {number}" for kind, number in sorted(judge.passed.items()))
        terminalreporter.write_line(f"events that passed ajv and both CloudEvents SDKs: {told or 'none'}")
