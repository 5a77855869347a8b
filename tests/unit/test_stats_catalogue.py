"""What an article's events change in the catalogue."""

from datetime import UTC, datetime

import pytest

from luotdoc_events.events import ArticlePublished, ArticleUpdated, ArticleWithdrawn
from services.stats.catalogue import NO_CONTENT, change

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ARTICLE = {
    "id": "ls0001",
    "revision": 3,
    "url": "https://example.vn/lich-su/thanh-co-ls0001.html",
    "slug": "thanh-co",
    "section": "lich-su",
    "title": "Thành cổ",
    "body_html": "<p>…</p>",
    "published_at": NOON,
    "modified_at": NOON,
    "reads_baseline": 1200,
}


@pytest.mark.parametrize("kind", [ArticlePublished, ArticleUpdated])
def test_an_article_brings_its_state_and_its_content(kind: type[ArticlePublished]) -> None:
    changed = change(kind.model_validate(ARTICLE))
    assert (changed.article, changed.revision) == ("ls0001", 3)
    assert changed.state == {
        "state": "published",
        "url": "https://example.vn/lich-su/thanh-co-ls0001.html",
    }
    assert changed.content == {
        "title": "Thành cổ",
        "section": "lich-su",
        "baseline": 1200,
        "published_at": NOON,
        "content_revision": 3,
    }


def test_a_withdrawal_leaves_the_content_alone() -> None:
    changed = change(
        ArticleWithdrawn(id="ls0001", revision=4, url="https://example.vn/x", withdrawn_at=NOON)
    )
    assert (changed.article, changed.revision) == ("ls0001", 4)
    assert changed.state == {"state": "withdrawn", "url": "https://example.vn/x"}
    assert changed.content is None


def test_an_article_of_which_only_the_withdrawal_is_known_adds_nothing_to_figures() -> None:
    assert NO_CONTENT == {
        "title": "",
        "section": "",
        "baseline": 0,
        "published_at": None,
        "content_revision": 0,  # below each event's, so that content which comes late is taken
    }
    known = change(ArticlePublished.model_validate(ARTICLE)).content
    assert known is not None
    assert known.keys() == NO_CONTENT.keys()
