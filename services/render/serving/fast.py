"""Pages in memory, answered without ASGI (`shared.web.fastpath`).

A kind of page that has `at_once` answers here if all of a page is in memory and current. All else
goes through ASGI: queries, conditional requests, escaped paths, redirects and errors.
"""

import time
from collections import OrderedDict
from collections.abc import Callable

from services.render.metrics import RenderMetrics
from services.render.serving.answers import Answer, Answers
from services.render.serving.routes import Asked, Routes
from shared.web.fastpath import FastRequest

KNOWN = 5000
"""Paths whose route is kept, about 1 KB each."""

AtOnce = Callable[[Asked], Answer | None]


class FastPages:
    """The fast path of render."""

    def __init__(self, *, routes: Routes, answers: Answers, metrics: RenderMetrics) -> None:
        self._routes, self._answers, self._metrics = routes, answers, metrics
        self._known: OrderedDict[bytes, tuple[AtOnce, Asked]] = OrderedDict()

    def take(self, request: FastRequest) -> bool:
        """Answer a page that is in memory. False leaves the request to ASGI."""
        started = time.perf_counter()
        accepted: bytes | None = None
        for name, value in request.headers:
            if name == b"accept-encoding":
                accepted = value if accepted is None else accepted
            elif name == b"if-none-match":
                return False
        known = self._known.get(request.path) or self._found(request.path)
        if request.body or request.query or known is None:
            return False
        at_once, asked = known
        answer = at_once(asked)
        if answer is None:
            return False
        request.content(*self._answers.written(answer, accepted))
        took = time.perf_counter() - started
        self._metrics.answered(answer.kind, answer.section, 200, took)
        return True

    def _found(self, path: bytes) -> tuple[AtOnce, Asked] | None:
        if b"%" in path or not path.isascii():
            return None
        decoded = path.decode()
        scope = {"method": "GET", "path": decoded, "query_string": b"", "headers": []}
        found = self._routes.find(decoded, scope)
        if found is None:
            return None
        kind, asked = found
        at_once: AtOnce | None = getattr(kind, "at_once", None)
        if at_once is None:
            return None
        self._known[path] = at_once, asked
        if len(self._known) > KNOWN:
            self._known.popitem(last=False)
        return at_once, asked
