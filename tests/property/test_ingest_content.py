"""Slugs of generated titles."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from services.ingest.articles.slug import slug_of
from tests.support.editors import faults


@given(st.text(max_size=150))
def test_a_title_has_one_slug_composed_or_not(title: str) -> None:
    assert slug_of(unicodedata.normalize("NFD", title)) == slug_of(
        unicodedata.normalize("NFC", title)
    )


@given(st.text(max_size=150))
def test_every_title_makes_a_slug_that_we_take_ourselves(title: str) -> None:
    assert faults(slug=slug_of(title)) == {}
