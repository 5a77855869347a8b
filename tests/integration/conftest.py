"""What several tests on the real servers need."""

from collections.abc import Callable, Iterator
from functools import cache

import pytest

from deploy.local.broker import Node
from tests.support.guide import make_subscriber

Subscriber = Callable[[str], str]


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
