"""What only people can mend ends a start or a command on one line, in seconds, with a status that
is not 0.
"""

import asyncio
import json
import os
import runpy
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import pymongo
import pytest

from deploy.local import ports
from deploy.local.broker import Node
from deploy.local.database import Database
from luotdoc_events.version import VERSION
from luotdoc_subscriber.base.errors import Refused
from shared.storage import mongo
from shared.storage.collections import make_indexes
from shared.storage.rights import RIGHTS
from shared.storage.transactions import end_abandoned
from tests.support.system import ROOT, System, until

SECONDS = 20.0


@pytest.fixture(scope="module")
def guarded(database: Database) -> Iterator[Database]:
    """With the users `writer`, `reader` and `nobody` besides its own."""
    users = {"writer": "readWrite", "reader": "read", "nobody": None}
    with pymongo.MongoClient[dict[str, object]](database.url) as client:
        for user, role in users.items():
            roles = [{"role": role, "db": "luotdoc"}] if role else []
            client.admin.command("createUser", user, pwd="right", roles=roles)
        yield database
        for user in users:
            client.admin.command("dropUser", user)


def address(server: Database, user: str, password: str = "right") -> str:
    """The server's address for a user."""
    return server.url_with(user, password, "authSource=admin")


def without_login(server: Database) -> str:
    """The server's address without a user."""
    return f"mongodb://{server.url.partition('@')[2].replace('&authSource=admin', '')}"


def critical(output: str) -> str:
    """The one CRITICAL line of a service's log."""
    (line,) = [line for line in map(json.loads, output.splitlines()) if line["level"] == "CRITICAL"]
    assert "exc_info" not in line
    return str(line["message"])


def told(amqp: str, mongo: str, folder: Path) -> dict[str, str]:
    """The environment of a process."""
    return {
        "PATH": os.environ["PATH"],
        "LUOTDOC_AMQP_URL": amqp,
        "LUOTDOC_MONGO_URL": mongo,
        "LUOTDOC_PORT": "0",
        "LUOTDOC_SPOOL_DIR": str(folder / "spool"),
    }


REFUSED = [
    (
        "writer",
        "wrong",
        "MongoDB refuses the user or the password of LUOTDOC_MONGO_URL: correct them",
    ),
    (
        "unknown",
        "right",
        "MongoDB refuses the user or the password of LUOTDOC_MONGO_URL: correct them",
    ),
    (
        "nobody",
        "right",
        "nobody may not listCollections, listIndexes in all collections, and lacks rights in 5 "
        "more in the database luotdoc: grant it the role render of deploy/mongodb/roles.json there",
    ),
    (
        "reader",
        "right",
        "reader may not insert, update in pages, and lacks rights in 1 more in the database ",
    ),
    ("", "", "MongoDB wants a login: put user:password@ before the host in LUOTDOC_MONGO_URL"),
]


@pytest.mark.parametrize(("user", "password", "what"), REFUSED)
async def test_a_user_of_mongodb_that_may_not_ends_the_wait(
    guarded: Database, user: str, password: str, what: str
) -> None:
    url = address(guarded, user, password) if user else without_login(guarded)
    client, _ = mongo.connect(url, "test")
    async with asyncio.timeout(SECONDS):
        for reached in (mongo.wait_for(client, url, "render"), mongo.reach(client, "render")):
            with pytest.raises(Refused) as error:
                await reached
            assert what in str(error.value)
    client.close()


async def test_one_user_may_serve_all_with_the_role_read_write(guarded: Database) -> None:
    url = address(guarded, "writer")
    client, db = mongo.connect(url, "test")
    for service in RIGHTS:
        await mongo.wait_for(client, url, service)
    await make_indexes(db)
    assert await end_abandoned(client) == 0
    client.close()


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (
            ("replicaSet=luotdoc", "replicaSet=other"),
            "says replicaSet=other, and the server belongs to 'luotdoc'",
        ),
        (
            ("replicaSet=luotdoc&directConnection=true", "replicaSet=other"),
            "says replicaSet=other, and the server",
        ),
        (
            ("mongodb://", "mongodb+srv://h.example.invalid/luotdoc?#"),
            "LUOTDOC_MONGO_URL can't be used",
        ),
    ],
)
async def test_an_address_that_leads_to_another_set_or_to_none(
    database: Database, change: tuple[str, str], what: str
) -> None:
    url = database.url.replace(*change).partition("#")[0].rstrip("?")
    client, _ = mongo.connect(url, "test")
    async with asyncio.timeout(SECONDS):
        with pytest.raises(Refused, match=what):
            await mongo.wait_for(client, url, "render")
    client.close()


def test_a_service_ends_with_one_line_in_its_log(
    broker: Node, guarded: Database, tmp_path: Path
) -> None:
    env = told(broker.url, address(guarded, "writer", "wrong"), tmp_path)
    line = [sys.executable, "-m", "services.render"]
    ended = subprocess.run(
        line, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.returncode, ended.stderr) == (1, "")
    assert "render ends: MongoDB refuses the user or the password" in critical(ended.stdout)
    assert (
        json.loads(ended.stdout.partition("\n")[0])["message"]
        == f"render starts, version {VERSION}"
    )


AWAY = [
    (["services.ingest", "republish", "a1"], 1, "MongoDB: "),
    (["services.ingest", "reconcile", "render=http://127.0.0.1:9/state"], 2, "render: "),
    (["services.counter", "gaps"], 1, "MongoDB: "),
    (["services.counter", "close-gap", "x"], 1, "x: MongoDB: "),
    (["services.ingest", "adopt", "gone"], 1, "RabbitMQ: "),
    (["services.ingest", "replay", "--to", "search.articles"], 1, "RabbitMQ: "),
    (["shared.replay", "--to", "search.articles"], 1, "RabbitMQ: "),
    (["luotdoc_subscriber", "replay", "--to", "search.articles"], 1, "RabbitMQ: "),
    (["luotdoc_subscriber", "parked", "list", "search.articles"], 1, "RabbitMQ: "),
    (["luotdoc_subscriber", "parked", "discard", "search.articles", "--all"], 1, "RabbitMQ: "),
    (["shared.parked", "list"], 1, "RabbitMQ: "),
    (["shared.parked", "show", "counter.reads", "00000000"], 1, "RabbitMQ: "),
    (["shared.parked", "redrive", "counter.reads", "--all"], 1, "RabbitMQ: "),
    (["shared.parked", "discard", "counter.reads", "--all"], 1, "RabbitMQ: "),
]


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An environment with addresses where nothing listens."""
    gone = ports.choose_port()
    urls = f"amqp://u:p@127.0.0.1:{gone}/", f"mongodb://127.0.0.1:{gone}/luotdoc?replicaSet=x"
    for name, value in told(*urls, tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(os, "nice", lambda _: 0)
    (tmp_path / "spool/gone").mkdir(parents=True)
    (tmp_path / "spool/gone/lock").touch()


@pytest.mark.usefixtures("away")
@pytest.mark.parametrize(
    ("line", "status", "begin"), AWAY, ids=[" ".join(line[:2]) for line, *_ in AWAY]
)
def test_a_command_with_both_servers_away_ends_on_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    line: list[str],
    status: int,
    begin: str,
) -> None:
    monkeypatch.setattr(sys, "argv", ["", *line[1:]])
    began = time.monotonic()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # runpy's: the module is imported already
        with pytest.raises(SystemExit) as stop:
            runpy.run_module(line[0], run_name="__main__")
    said = capsys.readouterr()
    assert stop.value.code == status
    (told_line,) = said.err.splitlines()
    assert told_line.startswith(begin)
    assert len(told_line) < 300
    assert time.monotonic() - began < SECONDS


@pytest.mark.usefixtures("away")
def test_a_real_command_says_no_more_than_that() -> None:
    line = [sys.executable, "-m", "shared.parked", "list"]
    ended = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (1, "", 1)
    assert ended.stderr.startswith("RabbitMQ: ")


async def test_a_wrong_password_of_rabbitmq_is_told_with_what_mends_it(
    system: System, tmp_path: Path
) -> None:
    """The service waits: reads go to the spool meanwhile, and users are added to RabbitMQ at any
    time.
    """
    env = told(
        system.broker.url.replace("://luotdoc:", "://luotdoc:wrong-"),
        system.database.url,
        tmp_path,
    )
    log = tmp_path / "log"
    with log.open("w") as output:
        counter = subprocess.Popen(  # noqa: ASYNC220  (it only starts it)
            [sys.executable, "-m", "services.counter"],
            cwd=ROOT,
            env=env,
            stdout=output,
            stderr=output,
        )
    try:
        await until(
            lambda: "correct the user or the password in LUOTDOC_AMQP_URL" in log.read_text(),
            30,
            log.read_text,
        )
    finally:
        counter.terminate()
        assert counter.wait(15) == 0
