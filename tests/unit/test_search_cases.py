"""200 searches find first what they must, in every normal form."""

import pytest

from services.render.search.entries import Entry, entry_of
from services.render.search.questions import Question
from services.render.search.ranking import Candidate, rank_of
from tests.support.searches import FORMS, Search, searched_article, searched_articles, searches

ENTRIES = [(each, entry_of(each, each.language)) for each in searched_articles()]


def found(question: Question) -> list[str]:
    """The ids of all results, the first one first."""
    ranks = [
        rank_of(question, Candidate(entry.id, entry.at, entry.folded, entry.accented.encode()))
        for article, entry in ENTRIES
        if question.runs
        and (not question.sections or article.section in question.sections)
        and question.language in ("", article.language)
        and (question.since is None or article.published_at >= question.since)
        and (question.until is None or article.published_at < question.until)
    ]
    return [rank.id for rank in sorted(rank for rank in ranks if rank)]


def right(search: Search, ids: list[str]) -> bool:
    """Whether the results are as the file says."""
    length = len(ids) if search.every else len(search.first)
    return tuple(ids[:length]) == search.first


@pytest.mark.parametrize("form", FORMS)
def test_every_search_finds_first_what_it_must(form: str) -> None:
    wrong, changed = {}, 0
    for search in searches():
        text = FORMS[form](search.text)
        changed += text != search.text
        if not right(search, ids := found(search.question(text))):
            wrong[search] = ids[:8]
    print(f"\n{len(searches())} searches, {changed} of them in other characters")
    assert wrong == {}
    assert len(searches()) >= 200
    assert changed > (0 if form == "NFC" else 100) or form == "NFC"


@pytest.mark.parametrize("form", FORMS)
def test_an_article_has_the_same_words_in_every_form(form: str) -> None:
    """Keys and texts of an article don't depend on the form in which it came."""

    def texts(entry: Entry) -> tuple[list[int], bytes, str]:
        return entry.keys, entry.folded, entry.accented

    for article, entry in ENTRIES:
        fields = article.model_dump()
        for name in ("title", "lead", "body_html"):
            fields[name] = FORMS[form](fields[name])
        fields["tags"] = [FORMS[form](tag) for tag in fields["tags"]]
        other = searched_article(**fields)
        assert texts(entry_of(other, other.language)) == texts(entry)
