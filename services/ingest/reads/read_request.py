"""The article that a read's request names. Pure."""

import re
from typing import Any

import orjson

from luotdoc_events.events import ARTICLE_ID
from shared.base.errors import Problem

MAX_BODY = 1024
"""Upper bound for the bytes of a read's body."""
_ID = re.compile(ARTICLE_ID.replace("$", r"\Z"))


def article_of(body: bytes) -> str:
    """The article in a body such as `{"article": "hello1"}`. Raises `Problem` 422."""
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Problem.invalid("body", f"must be JSON: {error}") from None
    if type(content) is not dict:
        raise Problem.invalid("body", 'must be an object, {"article": id}')
    if "article" not in content:
        raise Problem.invalid("article", "is missing")
    if len(content) > 1:
        raise Problem.invalid(
            next(name for name in content if name != "article"), "is not a field of a read"
        )
    return checked_article(content["article"])


def checked_article(article: Any) -> str:
    """`article` if it is an article's id. Raises `Problem` 422."""
    if type(article) is not str or not _ID.match(article):
        raise Problem.invalid("article", "must be 1-32 of a-z and 0-9")
    return article
