"""Asks made questions, and looks whether the answers are right."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import mean, quantiles
from typing import Any

from psutil import Process

from services.render.search.entries import entry_of
from services.render.search.finding.store import FindingStore
from services.render.search.folding import words_in
from services.render.search.plain import text_of_html
from services.render.search.questions import Question, Run, runs_of
from services.render.search.ranking import Candidate, rank_of
from services.render.search.searching import MOST_RESULTS, Searcher
from services.render.search.store import SearchStore
from shared.base.concurrency import ConcurrencyLimit
from shared.storage.types import MongoDatabase
from tests.search.corpus import made_articles, questions
from tests.search.filling import TEXTS, VERSION

TEXT_LIMIT = 100


@dataclass
class Times:
    """Seconds of some questions, and what was wrong."""

    server: Process
    seconds: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    beyond: int = 0
    worked: list[tuple[float, float]] = field(default_factory=list)
    """Seconds of the processors for each question: of this process, and of MongoDB's."""

    def _worked(self) -> tuple[float, float]:
        times = self.server.cpu_times()
        return time.process_time(), times.user + times.system

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Time one question."""
        here, there = self._worked()
        begin = time.perf_counter()
        yield
        self.seconds.append(time.perf_counter() - begin)
        now_here, now_there = self._worked()
        self.worked.append((now_here - here, now_there - there))

    def line(self) -> str:
        """p50, p99 and the longest in milliseconds, and the processors' time of a question here and
        in MongoDB: other work on the machine does not lengthen it.
        """
        cuts = quantiles(self.seconds, n=100)
        shown = [cuts[49], cuts[98], max(self.seconds), *map(mean, zip(*self.worked, strict=True))]
        text = "p50 {:.1f}, p99 {:.1f}, longest {:.1f} ms; worked {:.1f} ms, MongoDB {:.1f} ms"
        return text.format(*(1000 * each for each in shown))


def new_searcher(db: MongoDatabase) -> Searcher:
    """A searcher without anything in memory."""
    limit = ConcurrencyLimit(2, most_waiting=9, seconds=5)
    return Searcher(FindingStore(db), limit, time.monotonic)


async def ask(db: MongoDatabase, server: Process, number: int) -> Times:
    """Ask questions of the index. Every result must rank where it stands, by its own article."""
    asked, times = new_searcher(db), Times(server)
    for text in questions(number):
        question = Question(runs=runs_of(text))
        with times.timed():
            results = await asked.search(question)
        if results.ranks != sorted(set(results.ranks)) or len(results.ranks) > MOST_RESULTS:
            times.wrong.append(f"{text}: not sorted")
        for rank in results.ranks[:3]:
            article = next(made_articles(int(rank.id[1:]), 1))
            entry = entry_of(article, "vi")
            held = Candidate(entry.id, entry.at, entry.folded, entry.accented.encode())
            if rank_of(question, held) != rank:
                times.wrong.append(f"{text}: {rank}")
    return times


async def ask_for_names(db: MongoDatabase, server: Process, number: int, articles: int) -> Times:
    """Ask for five neighbouring words out of the middle of an article: it must be found, unless the
    results say that they are not all. `beyond` counts those: each pair of the words is so frequent
    that only the newest articles with it are looked at.
    """
    asked, times = new_searcher(db), Times(server)
    for place in range(0, articles, max(1, articles // number)):
        article = next(made_articles(place, 1))
        line = words_in(text_of_html(article.body_html).split("\n")[1])[10:15]
        question = Question(runs=(Run(tuple(line)),))
        with times.timed():
            results = await asked.search(question)
        ids = [rank.id for rank in results.ranks if rank[:2] == (0, 0)]
        if article.id not in ids and not results.every:
            times.beyond += 1
        elif article.id not in ids:
            times.wrong.append(f"{' '.join(word.accented for word in line)}: no {article.id}")
    return times


async def ask_text_index(db: MongoDatabase, server: Process, number: int) -> Times:
    """Ask the same questions of MongoDB's text index: all words, best first."""
    times = Times(server)
    for text in questions(number):
        asked = " ".join(f'"{part}"' for part in text.replace('"', "").split())
        score: Any = {"$meta": "textScore"}
        with times.timed():
            found = db[TEXTS].find({"$text": {"$search": asked}}, {"_id": 1, "score": score})
            await found.sort([("score", score)]).limit(TEXT_LIMIT).to_list(None)
    return times


async def put_more(db: MongoDatabase, server: Process, first: int, number: int) -> Times:
    """Store entries of further articles one by one, with all indexes."""
    store = SearchStore(db)
    entries = [entry_of(article, "vi") for article in made_articles(first, number)]
    times = Times(server)
    for entry in entries:
        with times.timed():
            await store.want(entry.id, 1)
            stored = await store.put(entry, VERSION)
        if not stored:
            times.wrong.append(f"{entry.id} was not stored")
    return times
