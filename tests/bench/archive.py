"""A portal with many articles: copies of some that were published, put into MongoDB directly."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Any

from pymongo import MongoClient, WriteConcern

from luotdoc_subscriber.base.progress import ProgressLine
from tests.bench import machine
from tests.bench.putting import article
from tests.bench.rig import Rig
from tests.search.corpus import made_articles
from tests.support.system import until

PATTERNS = 40
CHUNK = 500
COLLECTIONS = ("articles", "pages", "search")

Documents = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Pattern:
    """What a published article has in MongoDB, by collection."""

    id: str
    documents: Documents

    def copied(self, name: str, place: int) -> Documents:
        """The same for an article `name` that is older by `place` minutes. Search does not find it:
        its keys alone would take hours to store.
        """
        held = {of: {**document, "_id": name} for of, document in self.documents.items()}
        page, published = held["pages"], held["pages"]["published_at"] - timedelta(minutes=place)
        page["path"] = page["path"].replace(self.id, name)
        page["published_at"] = published
        page["article"] = {**page["article"], "id": name, "published_at": published}
        held["search"] = {
            of: held["search"][of] for of in ("_id", "v", "wanted", "revision", "version")
        }
        return held


async def published(rig: Rig) -> list[Pattern]:
    """Publish articles of the length of a portal's, while ingest and render run."""
    found = list[Pattern]()
    for place, made in enumerate(made_articles(0, PATTERNS)):
        name = f"pattern{place}"
        texts = made.model_dump(include={"title", "lead", "tags", "body_html"})
        answer = await rig.system.put(name, **(article(place) if place % 2 else texts))
        answer.raise_for_status()

        async def indexed(name: str = name) -> bool:
            wanted = {"_id": name, "due": {"$exists": False}, "version": {"$exists": True}}
            return await rig.system.db.search.find_one(wanted, {"_id": 1}) is not None

        await until(indexed, 30, f"{name} is published and indexed")
        documents = {
            of: await rig.system.db[of].find_one({"_id": name}) or {} for of in COLLECTIONS
        }
        found.append(Pattern(name, documents))
    return found


async def fill(rig: Rig, patterns: list[Pattern], number: int, **page: Any) -> None:
    """Store `number` articles with their pages; `page` has fields that differ from the patterns'.
    MongoDB may use every core meanwhile.
    """

    def made() -> Iterator[Documents]:
        for place in range(number):
            held = patterns[place % len(patterns)].copied(f"c{place:06d}", place)
            held["pages"].update(page)
            yield held

    def insert() -> None:
        with (
            machine.pinned(rig.cores.every),
            MongoClient[Any](rig.system.database.url, w=1) as client,
            ProgressLine("articles stored") as line,
        ):
            db, documents, done = client.get_default_database(), made(), 0
            while chunk := list(islice(documents, CHUNK)):
                for name in COLLECTIONS:
                    hurried = db[name].with_options(write_concern=WriteConcern(w=1, j=False))
                    hurried.insert_many([each[name] for each in chunk], ordered=False)
                done += len(chunk)
                line.advance(done, number)
            client.admin.command("fsync")  # what follows is not measured while this is written

    machine.move(rig.system.database.pid, rig.cores.every)
    try:
        await asyncio.to_thread(insert)
    finally:
        machine.move(rig.system.database.pid, rig.cores.backing)
