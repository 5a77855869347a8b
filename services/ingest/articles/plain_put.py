"""The plain PUT of an article, past FastAPI: without a query or a condition, by a right token.

FastAPI's way to a handler costs as much as all else in ingest but the cleaning of the body. Every
other request goes through it as if this module did not exist, and both ways give the same answers.
"""

import re
from typing import Any, NamedTuple

from fastapi import Request

from services.ingest.articles.editing import put_answer
from services.ingest.articles.preconditions import Preconditions
from services.ingest.service import Articles
from services.ingest.tokens import find
from shared.web.api import problem_response
from shared.web.asgi import App, Disconnected, Receive, Scope, Send, header
from shared.web.problems import as_problem

_TARGET = re.compile("/articles/([a-z0-9]{1,32})")
_CONDITIONS = frozenset({b"if-match", b"if-none-match"})


class _Route(NamedTuple):
    """The name of a request in its span."""

    path: str


_ROUTE = _Route("/articles/{article_id}")


class PlainPut:
    """`api`, with a shorter way for the plain PUT."""

    def __init__(self, api: App, service: Articles) -> None:
        self._api, self._service = api, service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        article_id = self._put_plainly(scope)
        if article_id is None:
            await self._api(scope, receive, send)
            return
        scope["route"] = _ROUTE
        request = Request(scope, receive)
        try:
            response = await put_answer(self._service, request, article_id, Preconditions())
        except Disconnected:
            raise
        except Exception as error:
            response = problem_response(as_problem(error))
        await response(scope, receive, send)

    def _put_plainly(self, scope: Scope) -> str | None:
        """The id of the article that a plain PUT names; None for any other request."""
        if scope["type"] != "http" or scope["method"] != "PUT" or scope["query_string"]:
            return None
        path: Any = scope["path"]
        target = _TARGET.fullmatch(path)
        if target is None or any(name in _CONDITIONS for name, _ in scope["headers"]):
            return None
        token = find(
            self._service.tokens, (header(scope, b"authorization") or b"").decode("latin-1")
        )
        return target[1] if token is not None and "articles" in token.scopes else None
