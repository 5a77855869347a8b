"""The page server. Raw ASGI, because pages are one of the two hot paths."""

import time

from luotdoc_subscriber.base.errors import Transient
from services.render.kinds.errors import Errors
from services.render.metrics import RenderMetrics
from services.render.serving.answers import Answer, Answers, redirect
from services.render.serving.routes import Routes
from shared.web.asgi import Receive, Scope, Send, respond
from shared.web.problems import as_problem


class PageServer:
    """Answers requests for every path of the site, by the route table."""

    def __init__(
        self, *, routes: Routes, errors: Errors, answers: Answers, metrics: RenderMetrics
    ) -> None:
        self._routes, self._errors = routes, errors
        self._answers, self._metrics = answers, metrics

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer one request."""
        started = time.perf_counter()
        if scope["method"] not in ("GET", "HEAD"):
            await respond(send, 405, b"", [(b"allow", b"GET, HEAD")])
            self._metrics.answered("error", "", 405, time.perf_counter() - started)
            return
        try:
            answer = await self._answer(scope["path"], scope)
        except Transient:
            answer = self._errors.unavailable()
        except Exception as error:
            as_problem(error)  # logs it
            answer = self._errors.bug()
        status = await self._answers.send(scope, send, answer)
        seconds = time.perf_counter() - started
        self._metrics.answered(answer.kind, answer.section, status, seconds)

    async def _answer(self, path: str, scope: Scope) -> Answer:
        if found := self._routes.find(path, scope):
            kind, asked = found
            return await kind(asked)
        # A path without its last slash leads to the page, if there is one.
        if not path.endswith("/") and (found := self._routes.find(f"{path}/", scope)):
            kind, asked = found
            answer = await kind(asked)
            if answer.status < 400:
                return redirect(f"{path}/", 301, asked.query)
        return self._errors.not_found(self._routes.language_of(path))
