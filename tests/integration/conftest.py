"""What several tests on the real servers need."""

from collections.abc import Iterator

import pytest

from deploy.local.broker import Broker
from tests.support.guide import make_subscriber


@pytest.fixture(scope="session")
def reader(broker: Broker) -> Iterator[str]:
    """The address of RabbitMQ for the subscriber `search`, made as the guide says."""
    yield make_subscriber(broker)
    broker.control("delete_user", "search")
