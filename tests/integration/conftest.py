"""What several tests on the real servers need."""

import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from deploy.local.broker import Node
from shared.storage import mongo
from shared.storage.collections import make_indexes
from shared.storage.types import Client, MongoDatabase
from tests.support.guide import make_subscriber
from tests.support.wheels import build, install_kit

Subscriber = Callable[[str], str]


@dataclass
class Emptied:
    """An empty database of its own, with its indexes."""

    client: Client
    db: MongoDatabase


@pytest.fixture
async def emptied(mongo_url: str) -> AsyncIterator[Emptied]:
    """It is dropped at the end of the test."""
    client, _ = mongo.connect(mongo_url, "test")
    name = f"test_{secrets.token_hex(6)}"
    await make_indexes(client[name])
    yield Emptied(client, client[name])
    await client.drop_database(name)
    client.close()


@pytest.fixture(scope="session")
def subscriber(broker: Node) -> Iterator[Subscriber]:
    """The address of RabbitMQ for a subscriber by its name, whose user is made as the guide
    says.
    """
    made = []

    @cache
    def address(name: str) -> str:
        url = make_subscriber(broker, name)
        made.append(name)
        return url

    yield address
    for name in made:
        broker.control("delete_user", name)


@pytest.fixture(scope="session")
def reader(subscriber: Subscriber) -> str:
    """That of the subscriber `search`."""
    return subscriber("search")


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with all packages for other teams, built from this checkout."""
    return build(tmp_path_factory.mktemp("packages") / "dist")


@pytest.fixture(scope="session")
def kit_python(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The path of a Python that has the kit's wheels, without this checkout."""
    return str(install_kit(dist, tmp_path_factory.mktemp("kit") / "environment"))
