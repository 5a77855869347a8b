"""Slugs of generated titles."""

import json
import unicodedata
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.ingest.articles.content import ArticleInput
from services.ingest.articles.slug import slug_of
from shared.web.problems import from_validation

LEAST = {"title": "Cầu mới", "section": "kinh-te", "body_html": "<p>x</p>"}


def faults(**fields: Any) -> dict[str, str]:
    """The faults by place, as a client is told them; a field that is None is left out of the
    body.
    """
    body = {name: value for name, value in {**LEAST, **fields}.items() if value is not None}
    try:
        ArticleInput.model_validate_json(json.dumps(body))
    except ValidationError as error:
        return {fault["path"]: fault["message"] for fault in from_validation(error.errors()).errors}
    return {}


@given(st.text(max_size=150))
def test_a_title_has_one_slug_composed_or_not(title: str) -> None:
    assert slug_of(unicodedata.normalize("NFD", title)) == slug_of(
        unicodedata.normalize("NFC", title)
    )


@given(st.text(max_size=150))
def test_every_title_makes_a_slug_that_we_take_ourselves(title: str) -> None:
    assert faults(slug=slug_of(title)) == {}
