"""Copies of the stores' folders, as a snapshot of a volume is one, and what was counted."""

import random
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pymongo

from deploy.local.broker import Node
from deploy.local.database import Database
from tests.chaos.editor import Editor
from tests.chaos.fleet import Fleet, Replica
from tests.chaos.load import Load
from tests.chaos.settle import settled
from tests.support.system import ROOT, System, until

SETTINGS: dict[str, str | int] = {"HOLD": "30"}
"""Beside those of the fleet: a backup must not make a counter give its batches back."""

READERS = 5
"""A load that a busy machine of two cores carries beside restarts."""


def readers(fleet: Fleet, seed: int = 0, ingests: Sequence[Replica] = ()) -> Load:
    """Readers of a patience that no wait for a server tries, at all ingests or at `ingests`."""
    return Load(ingests or fleet.of("ingest"), random.Random(seed), patience=30, readers=READERS)


async def publish(fleet: Fleet, article: str) -> None:
    """Publish an article, however often an ingest must be asked."""
    editor = Editor(fleet.of("ingest"), random.Random(0))
    try:
        await editor.publish(article)
    finally:
        await editor.finish()


def copy_mongodb(database: Database, to: Path) -> None:
    """A copy as of one moment, while everything runs: writes wait meanwhile. Blocks."""
    with pymongo.MongoClient[dict[str, Any]](database.url) as client:
        client.admin.command("fsync", lock=True)
        try:
            shutil.copytree(database.folder / "data", to)
        finally:
            client.admin.command("fsyncUnlock")


def restore_mongodb(database: Database, copy: Path) -> None:
    """Stop MongoDB, put the copy in place of its data, start it. Blocks."""
    database.stop()
    shutil.rmtree(database.folder / "data")
    shutil.copytree(copy, database.folder / "data")
    (database.folder / "data/mongod.lock").unlink(missing_ok=True)
    database.start(300.0)


def rabbitmq_folder(broker: Node) -> Path:
    """Where a node stores queues and messages."""
    return Path(broker.environment()["RABBITMQ_MNESIA_BASE"])


def restore_rabbitmq(broker: Node, copy: Path | None) -> None:
    """Stop RabbitMQ, put the copy in place of its data (or nothing), start it. Blocks."""
    broker.stop()
    shutil.rmtree(rabbitmq_folder(broker))
    if copy:
        shutil.copytree(copy, rabbitmq_folder(broker))
    broker.start(300.0)


async def ledger(system: System) -> set[str]:
    """The ids of all batches that are counted."""
    return {entry["_id"] async for entry in system.db.ledger.find({}, {"_id": 1})}


async def duplicates(system: System) -> int:
    """Batches that arrived again and were not counted again."""
    return sum([page["duplicates"] async for page in system.db.books.find({})])


async def books(system: System, fleet: Fleet) -> dict[str, Any]:
    """`/stats/reconciliation`."""
    answer = await system.http.get(f"{fleet.of('stats')[0].url}/stats/reconciliation")
    answer.raise_for_status()
    return dict(answer.json())


async def acknowledged(load: Load, more: int) -> None:
    """Wait for so many further reads that were answered 204."""
    wanted = load.tally.acknowledged.total() + more

    async def enough() -> bool:
        return load.tally.acknowledged.total() >= wanted

    await until(enough, 30, f"{more} further reads")


async def all_counted(fleet: Fleet) -> int:
    """Wait until nothing is on its way; answers the counted reads."""
    assert await settled(fleet) == ""
    return await fleet.system.counted()


def exact(load: Load) -> int:
    """The reads that were answered 204, if there was no other answer."""
    assert (dict(load.tally.broken), dict(load.tally.odd)) == ({}, {})
    assert load.tally.unanswered.total() == 0, dict(load.tally.announced)
    return load.tally.acknowledged.total()


def run(system: System, lines: str, folder: Path = ROOT) -> str:
    """Run lines of the page in `folder`, with the tools of the private node. Blocks."""
    broker = system.broker
    tool = re.compile(r"\brabbitmq-(plugins|queues|streams)\b")
    lines = tool.sub(lambda found: str(Path(broker.server).with_name(found.group())), lines)
    lines = lines.replace("rabbitmqctl", " ".join(broker.controller()))
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", lines],
        cwd=folder,
        env=broker.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, f"{lines}\n{done.stdout}"
    return done.stdout


async def in_flight(system: System, fleet: Fleet, batches: int) -> dict[str, Any]:
    """The books, once so many batches are in flight: an idle ingest's own may be for a moment."""

    async def look() -> dict[str, Any]:
        found = await books(system, fleet)
        return found if found["in_flight"] == batches else {}

    return dict(await until(look, 20, f"{batches} batches are in flight"))
