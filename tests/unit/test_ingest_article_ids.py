"""Ids of articles that a `POST` creates."""

import re

import pytest

from luotdoc_events.events import ARTICLE_ID
from services.ingest.articles.article_ids import minted_id, random_id


@pytest.mark.parametrize(
    ("token", "key", "article"),
    [("cms", "key-1", "gqxce625h9yg"), ("cms", "bài 1", "3l7f8mymflyr")],
)
def test_a_key_makes_the_same_id_in_every_release(token: str, key: str, article: str) -> None:
    # Another id would make a `POST` that is repeated after an upgrade a second article.
    assert minted_id(token, key) == article


def test_keys_and_tokens_are_told_apart() -> None:
    pairs = [("cms", "1"), ("cms", "2"), ("cms-1", ""), ("", "cms1"), ("cms1", ""), ("app", "1")]
    assert len({minted_id(*pair) for pair in pairs}) == len(pairs)


def test_ids_have_12_letters_and_figures_each_as_likely() -> None:
    for ids in (
        {minted_id("cms", str(number)) for number in range(200)},
        {random_id() for _ in range(200)},
    ):
        assert len(ids) == 200
        assert {len(article) for article in ids} == {12}
        assert all(re.fullmatch(ARTICLE_ID, article) for article in ids)
        assert set("".join(ids)) == set("abcdefghijklmnopqrstuvwxyz0123456789")
