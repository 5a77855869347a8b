"""FastAPI with our configuration: every error is a problem document, every answer is measured."""

import logging
import time
from collections.abc import Iterable, MutableMapping
from functools import cache
from http import HTTPStatus
from itertools import islice
from typing import Any, TypeVar

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from shared.base import metrics
from shared.base.errors import INVALID, Problem, Transient, Unavailable
from shared.base.log import correlate
from shared.base.version import VERSION
from shared.web import headers as security
from shared.web.asgi import (
    MAX_PATH,
    PROBLEM_TYPE,
    App,
    Disconnected,
    RawHeaders,
    Receive,
    Scope,
    Send,
    check_content_type,
    check_query,
    header,
    read_body,
    respond_problem,
)
from shared.web.docs import add_docs
from shared.web.openapi import Described, document

log = logging.getLogger(__name__)

MAX_FAULTS, MAX_MESSAGE = 20, 300
"""Upper bounds for the faults in an answer and the characters of a message.
An answer must not grow with its request."""

M = TypeVar("M", bound=BaseModel)


def from_validation(errors: Iterable[Any], status: int = 422, detail: str = INVALID) -> Problem:
    """A problem with one entry per pydantic fault; `path` joins the field's place with dots."""
    faults = [
        {
            "path": ".".join(str(part) for part in fault["loc"])[:MAX_PATH] or "body",
            "message": str(fault["msg"]).removeprefix("Value error, ")[:MAX_MESSAGE],
        }
        for fault in islice(errors, MAX_FAULTS)
    ]
    return Problem(status, detail, faults)


def as_problem(error: Exception) -> Problem:
    """The problem that a client gets for `error`.
    A bug is logged with its traceback and answered as a plain 500.
    """
    if isinstance(error, Problem):
        return error
    if isinstance(error, Unavailable):
        return Problem(503, str(error), headers=[("retry-after", str(error.retry_after))])
    if isinstance(error, Transient | TimeoutError):
        log.warning("unavailable: %s", str(error) or type(error).__name__)
        return Problem(
            503,
            "a server that this service needs is away, try again",
            headers=[("retry-after", "1")],
        )
    log.error("a bug while answering", exc_info=error)
    return Problem(500, "something went wrong here; it is logged")


def make_api(title: str, description: str, described: Described) -> FastAPI:
    """A FastAPI app whose errors are problem documents,
    and whose OpenAPI document includes `described`.
    """
    api = FastAPI(
        title=title,
        description=description,
        version=VERSION,
        docs_url=None,
        openapi_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
    )
    api.openapi = cache(lambda: document(api, described))  # type: ignore[method-assign]

    async def on_error(_request: Request, error: Exception) -> Response:
        return _problem_response(as_problem(error))

    async def on_invalid(_request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101  (for the type checker)
        kinds = ("query", "path", "header", "body")
        faults = [
            {**f, "loc": tuple(p for p in f["loc"] if p not in kinds)} for f in error.errors()
        ]
        return _problem_response(from_validation(faults))

    async def on_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101
        extra = list((error.headers or {}).items())
        if (
            error.status_code == 405
        ):  # Starlette's Allow has only the methods of the path's first route
            extra = [("allow", ", ".join(_methods(api, request.scope)))]
        return _problem_response(Problem(error.status_code, str(error.detail), headers=extra))

    async def on_gone(_request: Request, _error: Exception) -> Response:
        return _Silence()

    api.add_exception_handler(Disconnected, on_gone)
    api.add_exception_handler(RequestValidationError, on_invalid)
    api.add_exception_handler(HTTPException, on_http)
    for kind in (Problem, Transient, TimeoutError, Exception):
        api.add_exception_handler(kind, on_error)
    add_docs(api)
    return api


def _methods(api: FastAPI, scope: Scope) -> list[str]:
    """Every method that the path of a request has a route for."""
    found: set[str] = set()
    for route in iter_route_contexts(api.routes):
        if route.original_route.matches(scope)[0] is not Match.NONE:
            found |= route.methods or set()
    return sorted(found)


class _Silence(Response):
    """The response for a client that has disconnected."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send nothing."""


def _problem_response(problem: Problem) -> Response:
    return Response(
        orjson.dumps(problem.body(HTTPStatus(problem.status).phrase)),
        problem.status,
        dict(problem.headers),
        media_type=PROBLEM_TYPE,
    )


async def json_body(request: Request, limit: int) -> bytes:
    """The JSON body of a request, at most `limit` bytes. Raises `Problem` 413 or 415."""
    check_content_type(request.scope, "application/json", "JSON, with the type application/json")
    return await read_body(request.scope, request.receive, limit)


def validated(kind: type[M], body: bytes) -> M:
    """`body` as a `kind`. Raises `Problem` 422 with the fields at fault."""
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        raise from_validation(
            error.errors(include_url=False, include_input=False, include_context=False)
        ) from None


def observed(app: App, requests: metrics.Requests, policy: RawHeaders = security.STRICT) -> App:
    """Count and time the answers of an API, and answer its bugs with 500.

    Each answer gets a correlation id and the security headers of `policy` that it lacks.
    HEAD is answered as GET, without the body.
    """

    async def wrapper(scope: Scope, receive: Receive, send: Send) -> None:
        offered = header(scope, b"x-correlation-id")
        chosen = correlate(offered.decode("latin-1") if offered else None)
        started, status, ended = time.perf_counter(), 0, False
        head = scope["method"] == "HEAD"

        async def watched(message: MutableMapping[str, Any]) -> None:
            nonlocal status, ended
            if message["type"] == "http.response.start":
                status, given = message["status"], list(message.get("headers", ()))
                if status == 405:
                    given = [
                        (name, _with_head(value) if name == b"allow" else value)
                        for name, value in given
                    ]
                message["headers"] = [
                    *given,
                    *security.missing(given, policy),
                    (b"x-correlation-id", chosen.encode()),
                ]
            elif head and message.get("body"):
                message = {**message, "body": b""}
            await send(message)
            ended = message["type"] == "http.response.body" and not message.get("more_body")

        try:
            check_query(scope)
            await app({**scope, "method": "GET"} if head else scope, receive, watched)
        except Disconnected:
            return
        except Exception as error:
            if ended:  # FastAPI has answered the bug by `on_error`, and raises it again
                return
            if status:
                raise
            await respond_problem(watched, as_problem(error))
        finally:
            method = (
                scope["method"] if scope["method"] in metrics.METHODS else metrics.OTHER
            )  # a client may invent any
            requests.answers.labels(method, str(status)).inc()
            requests.seconds.observe(time.perf_counter() - started)

    return wrapper


def _with_head(allowed: bytes) -> bytes:
    """An `Allow` header, with HEAD added if it has GET."""
    methods = {method.strip() for method in allowed.split(b",")}
    return b", ".join(sorted(methods | {b"HEAD"} if b"GET" in methods else methods))
