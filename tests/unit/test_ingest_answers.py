"""The models of the API's answers are those of the committed OpenAPI document."""

import json

import pytest
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from services.ingest.articles import answers
from tests.support.sources import ROOT

COMMITTED = json.loads((ROOT / "docs/openapi/ingest.json").read_text())["components"]["schemas"]
MODELS: list[type[BaseModel]] = [
    answers.WithdrawnArticle,
    answers.ArticleAnswer,
    answers.WrittenArticle,
    answers.ArticleList,
    answers.PictureAnswer,
    answers.BatchAnswer,
    answers.Notice,
]
_, SCHEMAS = models_json_schema(
    [(model, "serialization") for model in MODELS], ref_template="#/components/schemas/{model}"
)


@pytest.mark.parametrize("name", [model.__name__ for model in MODELS])
def test_an_answer_is_as_the_committed_document_says(name: str) -> None:
    schema = SCHEMAS["$defs"][name]
    for described in schema["properties"].values():
        described.pop("title", None)  # the API leaves the titles of fields out
    assert schema == COMMITTED[name]
