"""The passwords of all services and of setup are replaced without a stop, one user after the
other; afterwards the old ones are refused.
"""

import asyncio
from pathlib import Path
from typing import Any

import aio_pika
import pymongo
import pytest
from aio_pika.exceptions import AMQPError
from pymongo.errors import OperationFailure

from tests.chaos.fleet import Replica
from tests.rehearsals.stores import run
from tests.rehearsals.traffic import SERVICES, Traffic, traffic
from tests.support.guide import block
from tests.support.system import System, until

pytestmark = pytest.mark.long
OPERATIONS = "docs/operations.md"


async def amqp_refusal(url: str) -> str:
    """How RabbitMQ refuses a login; empty if it works."""
    try:
        async with await aio_pika.connect(url, timeout=30):
            return ""
    except AMQPError as error:
        return str(error)


def mongodb_refusal(url: str) -> str:
    """How MongoDB refuses a login; empty if it works. Blocks."""
    try:
        with pymongo.MongoClient[dict[str, Any]](url) as client:
            client.get_default_database().command("connectionStatus")
            return ""
    except OperationFailure as error:
        return str(error)


async def test_rabbitmq_s_passwords_are_replaced(apart: System, tmp_path: Path) -> None:
    """Connections that are open stay open. Those that are lost before the restart can't log in:
    ingest spools, the counters wait.
    """
    lines = block(OPERATIONS, "change_password ingest")
    async with traffic(apart) as running:
        for user in (*SERVICES, "setup"):
            old = apart.broker.url_of(user)
            await asyncio.to_thread(run, apart, lines.replace("ingest", user), tmp_path)
            new = apart.broker.url_with(user, (tmp_path / f"{user}.password").read_text().strip())
            if user == "setup":
                made = await apart.command("shared.setup", amqp_url=new)
                assert made.returncode == 0, made.stderr
            else:
                await running.more()  # with the connections that were open
                await _lose(running, user)
                await _given(running, user, "amqp_url", new)
            assert "Login was refused" in await amqp_refusal(old), user
            assert await amqp_refusal(new) == "", user
            await running.more()
        print(f"RabbitMQ passwords replaced: {await running.end()}")


async def _given(running: Traffic, service: str, setting: str, address: str) -> None:
    """Give the service another address, and restart its replicas one after the other."""
    for replica in running.fleet.of(service):
        replica.settings[setting] = address
    await running.restart(service)


async def _lose(running: Traffic, user: str) -> None:
    """End the connections of a user whose password was changed: it is as the page says."""
    system, replicas = running.fleet.system, running.fleet.of(user)
    await asyncio.to_thread(
        system.broker.control, "close_all_user_connections", user, "a rehearsal"
    )
    for replica in replicas:
        await until(lambda one=replica: _logged_refusal(one), 15, f"{replica.name} is refused")
        answer = await system.http.get(f"{replica.url}/readyz")
        if user == "counter":
            assert (answer.status_code, answer.json()["reason"]) == (503, "RabbitMQ is away")
        else:
            assert answer.status_code == 200, answer.text
    if user == "ingest":
        for replica in replicas:
            spool = system.folder / "spool" / replica.name
            await until(lambda at=spool: list(at.glob("*.spool")), 15, f"{replica.name} spools")
        await until(lambda: system.db.outbox.count_documents({}), 15, "events wait in the outbox")


def _logged_refusal(replica: Replica) -> bool:
    with replica.log.open("rb") as log:
        log.seek(replica.lives[-1].logged)
        return b"ACCESS_REFUSED" in log.read()


async def test_mongodb_s_passwords_are_replaced(apart: System) -> None:
    """Each user gets a successor with the same rights, and is dropped after the last restart."""
    database = apart.database
    async with traffic(apart) as running:
        for user in (*SERVICES, "setup"):
            old, new = database.url_of(user), database.url_with(f"{user}2", f"new-{user}")
            await apart.db.command("createUser", f"{user}2", pwd=f"new-{user}", roles=[user])
            if user == "setup":
                made = await apart.command("shared.setup", mongo_url=new)
                assert made.returncode == 0, made.stderr
            else:
                await _given(running, user, "mongo_url", new)
            await running.more()
            await apart.db.command("dropUser", user)
            assert "Authentication failed" in await asyncio.to_thread(mongodb_refusal, old), user
            assert await asyncio.to_thread(mongodb_refusal, new) == "", user
            await running.more()
        print(f"MongoDB passwords replaced: {await running.end()}")
