"""Each worker's own RabbitMQ and MongoDB, started once. A server that cannot be started fails the run."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.local.broker import Broker
from deploy.local.database import Database
from tests.support.system import System
from tests.support.witness import Judge, Witness

_PASSED = pytest.StashKey[Counter[str]]()
"""The run's events that were as told, by type."""


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
        yield judge
    pytestconfig.stash[_PASSED].update(judge.passed)


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


def pytest_configure(config: pytest.Config) -> None:
    """Begin to count."""
    config.stash[_PASSED] = Counter()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker tells the process that sums up."""
    if (output := getattr(session.config, "workeroutput", None)) is not None:
        passed: Counter[str] = session.config.stash[_PASSED]
        output["passed"] = dict(passed)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Add what a worker has judged; one that died has said nothing, and has failed the run."""
    judged: Counter[str] = node.config.stash[_PASSED]
    judged.update(getattr(node, "workeroutput", {}).get("passed", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many events were judged."""
    if passed := terminalreporter.config.stash[_PASSED]:
        told = ", ".join(f"{kind} {number}" for kind, number in sorted(passed.items()))
        terminalreporter.write_line(f"events that passed ajv and both CloudEvents SDKs: {told}")
