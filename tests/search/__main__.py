"""`python -m tests.search`: fills the search index with made articles, asks it what readers ask,
and asks MongoDB's own text index the same. Ends with status 1 if an answer is wrong, or if one
question in a hundred takes longer than the bound. `--help` says more.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from motor.motor_asyncio import AsyncIOMotorClient
from psutil import Process

from deploy.local import processes
from deploy.local.database import Database
from luotdoc_subscriber.base.command import Command
from shared.storage.collections import OPTIONS
from shared.storage.types import Client, MongoDatabase
from tests.search.filling import TEXTS, fill, make_own_indexes, make_text_index, megabytes
from tests.search.measuring import Times, ask, ask_for_names, ask_text_index, put_more

P99_SECONDS = 1.0
"""Bound for one question in a hundred: the time limit of a query. It is high because MongoDB has
half a gigabyte of memory here, and the machine of the check does other work too."""
FEWER = 10
"""The text index is asked one of so many questions: it takes hundreds of milliseconds."""


async def check(
    db: MongoDatabase, server: Process, asked: argparse.Namespace, say: Callable[[str], None]
) -> list[str]:
    """Fill, ask, and compare; what was wrong."""
    if "search" not in await db.list_collection_names():
        await db.create_collection("search", **OPTIONS["search"])
    held = await fill(db, asked.articles, asked.seconds, texts_too=asked.text_index)
    if held < asked.articles:
        say(f"{held:,} of {asked.articles:,} articles are stored; run it again to go on")
        return []
    say(f"{held:,} articles; index made in {await make_own_indexes(db):.0f} s")
    size, index = await megabytes(db, "search")
    say(f"search: collection {size:.0f} MB, index {index:.0f} MB")
    every = {
        "questions": await ask(db, server, asked.questions),
        "the same again": await ask(db, server, asked.questions),
        "five words": await ask_for_names(db, server, asked.questions // 2, held),
        "entries stored": await put_more(db, server, held, min(200, asked.questions)),
    }
    for name, times in every.items():
        say(f"search: {len(times.seconds)} {name}: {times.line()}")
        if times.beyond:
            say(f"search: {times.beyond} of them in articles older than those that are looked at")
    if asked.text_index:
        say(f"text index: made in {await make_text_index(db):.0f} s")
        size, index = await megabytes(db, TEXTS)
        texts = await ask_text_index(db, server, max(10, asked.questions // FEWER))
        say(f"text index: collection {size:.0f} MB, index {index:.0f} MB")
        say(f"text index: {len(texts.seconds)} questions: {texts.line()}")
    return [line for times in every.values() for line in [*times.wrong, *slow(times)]]


def slow(times: Times) -> list[str]:
    """A line if the bound is broken."""
    late = sum(each > P99_SECONDS for each in times.seconds)
    if late * 100 <= len(times.seconds):
        return []
    return [f"{late} of {len(times.seconds)} took longer than {P99_SECONDS} s"]


async def main(asked: argparse.Namespace, folder: Path) -> int:
    """Bring MongoDB up, check, take it down. Returns the exit status."""
    database = Database(folder / "mongodb")
    begin = time.monotonic()
    try:
        await asyncio.to_thread(database.start)
        # Without the time limits of the services: an index takes minutes to make.
        client: Client = AsyncIOMotorClient(database.url, tz_aware=True, w="majority")
        db = client["luotdoc"]
        wrong = await check(
            db,
            Process(database.pid),
            asked,
            lambda line: print(f"{time.monotonic() - begin:5.0f} s  {line}", flush=True),
        )
        client.close()
    finally:
        processes.sweep(folder)
    print("\n".join(wrong[:20] or ["every answer is right"]))
    return bool(wrong)


def arguments() -> argparse.Namespace:
    """What is asked for."""
    parser = Command(prog="python -m tests.search", description=__doc__)
    parser.add_argument("--articles", type=int, default=100_000, help="to search (100000)")
    parser.add_argument("--questions", type=int, default=1000, help="to ask (1000)")
    parser.add_argument("--text-index", action="store_true", help="ask MongoDB's text index too")
    parser.add_argument(
        "--folder", type=Path, help="keep MongoDB's files there, and go on with what is there"
    )
    parser.add_argument(
        "--seconds", type=float, default=1e9, help="for filling; the next run goes on"
    )
    return parser.parse_args()


if __name__ == "__main__":
    chosen = arguments()
    if chosen.folder:
        raise SystemExit(asyncio.run(main(chosen, chosen.folder)))
    with tempfile.TemporaryDirectory(prefix="luotdoc-search-") as name:
        raise SystemExit(asyncio.run(main(chosen, Path(name))))
