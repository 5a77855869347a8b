"""What a read's request says: the article, and where the reader came from. Pure."""

import re
from functools import lru_cache
from typing import Any

import orjson

from luotdoc_events.events import ARTICLE_ID
from shared.base.errors import Problem

MAX_BODY = 1024
"""Upper bound for the bytes of a read's body."""
MAX_REFERRER = 300
"""Upper bound for the characters of a referrer."""
REFERRER = r"[A-Za-z][A-Za-z0-9+.\-]{0,30}://[A-Za-z0-9._:\[\]\-]{1,255}"
"""A referrer's scheme and host: no path, no query, no user. Android names an app's package as
host. In a form that JavaScript reads alike."""
_REFERRER = re.compile(f"(?:{REFERRER})?")
_ID = re.compile(ARTICLE_ID.replace("$", r"\Z"))


def read_of(body: bytes) -> tuple[str, str | None]:
    """The article and the referrer in a body such as `{"article": "hello1", "referrer":
    "https://www.example.org"}`. The referrer is None if the body has none. Raises `Problem` 422.
    """
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Problem.invalid("body", f"must be JSON: {error}") from None
    if type(content) is not dict:
        raise Problem.invalid("body", 'must be an object, {"article": id}')
    if "article" not in content:
        raise Problem.invalid("article", "is missing")
    referrer = None
    if len(content) > 1:
        if len(content) > 2 or "referrer" not in content:
            unknown = next(name for name in content if name not in ("article", "referrer"))
            raise Problem.invalid(unknown, "is not a field of a read")
        referrer = content["referrer"]
        if type(referrer) is not str or not _is_referrer(referrer):
            raise Problem.invalid(
                "referrer",
                f"must be scheme and host, such as https://www.example.org, of at most "
                f'{MAX_REFERRER} characters, or ""',
            )
    return checked_article(content["article"]), referrer


@lru_cache(maxsize=10_000)
def _is_referrer(text: str) -> bool:
    return len(text) <= MAX_REFERRER and _REFERRER.fullmatch(text) is not None


def checked_article(article: Any) -> str:
    """`article` if it is an article's id. Raises `Problem` 422."""
    if type(article) is not str or not _ID.match(article):
        raise Problem.invalid("article", "must be 1-32 of a-z and 0-9")
    return article
