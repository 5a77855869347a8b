"""Answers questions from the index, each with a bounded number of bounded queries."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from services.render.search.entries import (
    ACCENTED_FIELDS,
    FIELDS,
    LONGEST_TYPED,
    field_keys,
    key,
    key_text,
    seconds_of,
)
from services.render.search.finding.store import LOOKED_AT, FindingStore, Term, Written
from services.render.search.folding import words_in
from services.render.search.questions import Question
from services.render.search.ranking import Candidate, Rank, rank_of
from shared.base.concurrency import ConcurrencyLimit

MOST_RESULTS = 60
"""Results that readers can reach."""
_FEW = 20
"""With fewer results also those articles are sought that have the words apart."""
_SECONDS, _FREQUENT_SECONDS, _MOST_HELD = 5.0, 600.0, 10_000


@dataclass(frozen=True, slots=True)
class Results:
    """The best results of a question, the first one first."""

    ranks: list[Rank]
    every: bool
    """False: there may be more, which are further behind."""


@dataclass(frozen=True, slots=True)
class _Size:
    began: float
    articles: int
    oldest: int | None = None


class TermSizes:
    """How many articles have a term, `LOOKED_AT` at most; and of more frequent terms the time of
    publication of the last article that is looked at. Frequent terms are remembered for longer.
    """

    def __init__(self, store: FindingStore, seconds: Callable[[], float]) -> None:
        self._store, self._seconds = store, seconds
        self._held: OrderedDict[Term, _Size] = OrderedDict()

    async def of(self, terms: Iterable[Term]) -> dict[Term, int]:
        """The number of articles by term."""
        terms, now = list(dict.fromkeys(terms)), self._seconds()
        found = {term: size.articles for term in terms if (size := self._fresh(term, now))}
        asked = [term for term in terms if term not in found]
        for term, articles in zip(asked, await self._store.sizes(asked), strict=True):
            found[term] = articles
            self._keep(term, _Size(now, articles))
        return found

    async def oldest(self, term: Term) -> int | None:
        """The time of publication of the last article that is looked at, None if all are."""
        size = self._fresh(term, self._seconds())
        if size is None or size.articles < LOOKED_AT:
            return None
        if size.oldest is None:
            oldest = await self._store.nth_newest(term, LOOKED_AT - 1)
            size = replace(size, oldest=oldest)
            self._keep(term, size)
        return size.oldest

    def _fresh(self, term: Term, now: float) -> _Size | None:
        size = self._held.get(term)
        if size is None:
            return None
        frequent = size.articles >= LOOKED_AT
        return size if now - size.began < (_FREQUENT_SECONDS if frequent else _SECONDS) else None

    def _keep(self, term: Term, size: _Size) -> None:
        self._held[term] = size
        self._held.move_to_end(term)
        while len(self._held) > _MOST_HELD:
            self._held.popitem(last=False)


def make_searcher(store: FindingStore, seconds: Callable[[], float]) -> "Searcher":
    """A searcher that lets few searches run at once. The others wait a second, or are answered 503:
    pages and the count come first.
    """
    return Searcher(store, ConcurrencyLimit(2, most_waiting=20, seconds=1.0), seconds)


class Searcher:
    """Searches the index. `limit` bounds how many searches run at once."""

    def __init__(
        self, store: FindingStore, limit: ConcurrencyLimit, seconds: Callable[[], float]
    ) -> None:
        self._store, self._limit = store, limit
        self._sizes = TermSizes(store, seconds)

    async def search(self, question: Question) -> Results:
        """The results of a question. Raises `Unavailable` while too many others are answered, and
        `Transient` if MongoDB gives no answer in time.
        """
        async with self._limit.place():
            found, every = await self._together(question)
            ranks = _ranked(question, found)
            if len(ranks) < _FEW and any(len(r.words) > 2 and not r.strict for r in question.runs):
                apart, all_apart = await self._look(question, await self._apart(question))
                ranks, every = _ranked(question, found | apart), every and all_apart
        return Results(ranks[:MOST_RESULTS], every and len(ranks) <= MOST_RESULTS)

    async def suggested(self, text: str, language: str) -> list[str]:
        """Ids of the newest articles whose title or tag has what is typed, newest first."""
        typed = words_in(text)
        if not typed:
            return []
        last, before = typed[-1].folded[:LONGEST_TYPED], [word.folded for word in typed[:-1]]
        terms: list[Term] = [(key("t", key_text(*before[-1:], last)),)]
        terms += [field_keys("p", key_text(*pair), 2) for pair in pairwise(before)]
        question = Question(runs=(), language=language)
        async with self._limit.place():
            found, _ = await self._look(question, terms)
        return sorted(found, key=lambda name: (-found[name].at, name))

    async def _together(self, question: Question) -> tuple[dict[str, Candidate], bool]:
        """The articles that have the words of each run side by side, and whether these are all. If
        they are more than one query may answer, those that come first are sought first.
        """
        terms = _terms(question)
        sizes = await self._sizes.of([*terms, *_facets(question)])
        if min(sizes.values()) > MOST_RESULTS:
            found = dict[str, Candidate]()
            for closer, like in _closer(question):
                found |= (await self._look(question, closer, like))[0]
                if len(found) >= MOST_RESULTS:
                    return found, False
            more, every = await self._look(question, terms)
            return found | more, every
        return await self._look(question, terms)

    async def _apart(self, question: Question) -> list[Term]:
        """Every word, with any neighbours; phrases in quotation marks as they are. Of the rarest
        pairs one: `ranking` wants at least half of a run's pairs, so not all of these are lacking.
        """
        found = list[Term]()
        for run in question.runs:
            alone = Question(runs=(run,))
            if run.strict or len(run.words) < 3:
                found += _terms(alone)
                continue
            found += [field_keys("f", word) for word in run.folded]
            pairs = await self._sizes.of(_terms(alone))
            count = len(run.words) - 1
            rarest = sorted(pairs, key=lambda term: pairs[term])[: count - (count + 1) // 2 + 1]
            found.append(tuple(each for term in rarest for each in term))
        return found

    async def _look(
        self, question: Question, terms: list[Term], like: Iterable[Written] = ()
    ) -> tuple[dict[str, Candidate], bool]:
        """The newest articles that have the terms, and whether these are all of them."""
        sizes = await self._sizes.of([*terms, *_facets(question)])
        sizes = dict(sorted(sizes.items(), key=lambda pair: pair[1]))
        rarest = next(iter(sizes))
        if not sizes[rarest]:
            return {}, True
        bounds = [await self._sizes.oldest(rarest)]
        bounds += [None if question.since is None else seconds_of(question.since)]
        since = max((each for each in bounds if each is not None), default=None)
        until = None if question.until is None else seconds_of(question.until)
        found = await self._store.candidates(
            sizes, between=(since, until), like=like, most=MOST_RESULTS
        )
        every = len(found) < MOST_RESULTS and sizes[rarest] < LOOKED_AT
        return {each.id: each for each in found}, every


def _ranked(question: Question, found: dict[str, Candidate]) -> list[Rank]:
    ranks = [rank_of(question, candidate) for candidate in found.values()]
    return sorted(rank for rank in ranks if rank is not None)


def _facets(question: Question) -> list[Term]:
    sections = tuple(key("s", slug) for slug in question.sections)
    language = (key("l", question.language),) if question.language else ()
    return [term for term in (sections, language) if term]


def _terms(question: Question, fields: int = FIELDS) -> list[Term]:
    """Every pair of neighbours, and words that stand alone, in one of the first `fields` fields."""
    found = list[Term]()
    for run in question.runs:
        pairs = [field_keys("p", key_text(*pair), fields) for pair in pairwise(run.folded)]
        found += pairs or [field_keys("f", run.folded[0], fields)]
    return list(dict.fromkeys(found))


def _marked_words(question: Question) -> list[str]:
    """The words with marks, as the reader types them."""
    marked = [w.accented for run in question.runs for w in run.words if w.accented != w.folded]
    return list(dict.fromkeys(marked))


def _as_typed(question: Question) -> list[Written]:
    """Pairs of neighbours, and words that stand alone, with the reader's accents."""
    found = list[Written]()
    for run in question.runs:
        found += [(" ".join(pair),) for pair in pairwise(run.accented)] or [run.accented]
    return found


def _closer(question: Question) -> Iterator[tuple[list[Term], list[Written]]]:
    """Narrower terms and words, those of the first results first."""
    if accents := _marked_words(question):
        for fields in range(1, ACCENTED_FIELDS + 1):
            marked = [field_keys("a", word, fields) for word in accents]
            yield [*_terms(question, fields), *marked], []
        yield _terms(question), _as_typed(question)
        if len(accents) > 1:  # one of the words is as the reader types it
            yield _terms(question), [tuple(accents)]
    for fields in range(1, FIELDS):
        yield _terms(question, fields), []
