"""Each worker's own RabbitMQ and MongoDB, started once. A server that cannot be started fails the
run.
"""

import gc
import os
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from deploy.local import ports
from deploy.local.broker import Node
from deploy.local.database import Database
from tests.support import starter
from tests.support.reaper import reaping
from tests.support.system import System
from tests.support.witness import Judge, Witness

# A property is right or wrong however slow the machine is; what must be fast has a test that
# measures it.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")

_PASSED = pytest.StashKey[Counter[str]]()
"""The run's events that were as told, by type."""
_REFUSED = pytest.StashKey[Counter[str]]()
"""Attempts that RabbitMQ and MongoDB refused for want of a right, by user."""
_DIED = pytest.StashKey[bool]()
"""Whether a worker did."""


@pytest.fixture(scope="session", autouse=True)
def _reaped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """However this process ends, nothing that it has started outlives it."""
    with reaping(tmp_path_factory.getbasetemp(), worker="PYTEST_XDIST_WORKER" in os.environ):
        yield
        starter.end()


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A RabbitMQ node; LUOTDOC_RABBITMQ_SERVER chooses which."""
    node = Node(tmp_path_factory.mktemp("rabbitmq"))
    node.start(300)  # on a machine that does much else
    yield node
    node.stop()


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A MongoDB replica set of one."""
    server = Database(tmp_path_factory.mktemp("mongodb"))
    server.start(300)
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


@pytest.fixture(scope="session")
def refused(pytestconfig: pytest.Config) -> Counter[str]:
    """Counts attempts that a server refused for want of a right, by `server: user`; the run's last
    lines show them.
    """
    return pytestconfig.stash[_REFUSED]


@pytest.fixture
async def system(
    broker: Node, database: Database, judge: Judge, tmp_path: Path
) -> AsyncIterator[System]:
    """An empty system; the test starts the services that it needs. Every event that they publish
    must be as told.
    """
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
    """Begin to count; a worker takes ports of its own, for one is free while its server starts
    again.
    """
    config.stash[_PASSED], config.stash[_REFUSED] = Counter(), Counter()
    if worker := os.environ.get("PYTEST_XDIST_WORKER"):
        ports.RANGE = ports.RANGE[
            int(worker.removeprefix("gw")) :: int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
        ]


def pytest_collection_finish() -> None:
    """Thousands of tests stay until the end; collections need not look at them."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker tells the process that sums up; that fails when one died, even behind its last
    test.
    """
    if session.config.stash.get(_DIED, False):
        session.exitstatus = pytest.ExitCode.INTERNAL_ERROR
    if (output := getattr(session.config, "workeroutput", None)) is not None:
        for name, key in (("passed", _PASSED), ("refused", _REFUSED)):
            counted: Counter[str] = session.config.stash[key]
            output[name] = dict(counted)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Add what a worker has judged."""
    if error:
        node.config.stash[_DIED] = True
    for name, key in (("passed", _PASSED), ("refused", _REFUSED)):
        counted: Counter[str] = node.config.stash[key]
        counted.update(getattr(node, "workeroutput", {}).get(name, {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many events were judged, and how many attempts were refused for want of a right."""
    if passed := terminalreporter.config.stash[_PASSED]:
        told = ", ".join(f"{kind} {number}" for kind, number in sorted(passed.items()))
        terminalreporter.write_line(f"events that passed ajv and both CloudEvents SDKs: {told}")
    if refused := terminalreporter.config.stash[_REFUSED]:
        told = ", ".join(f"{user} {number}" for user, number in sorted(refused.items()))
        terminalreporter.write_line(f"least privilege, refused attempts per user: {told}")
