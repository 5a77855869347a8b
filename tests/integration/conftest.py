"""The real servers that integration tests run against."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.database import Database


@pytest.fixture(scope="session")
def mongo_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a private MongoDB replica set, with a database's name."""
    folder: Path = tmp_path_factory.mktemp("mongod")
    database = Database(folder)
    database.start()
    yield database.url
    database.stop()
