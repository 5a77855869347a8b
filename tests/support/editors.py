"""What an editor sends, and what is wrong with it."""

import json
from typing import Any

from pydantic import ValidationError

from services.ingest.articles.content import ArticleInput
from shared.web.problems import from_validation

LEAST = {"title": "Cầu mới", "section": "kinh-te", "body_html": "<p>x</p>"}
"""The fields that an article needs."""


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
