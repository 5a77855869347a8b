"""FastAPI with our configuration: every error is a problem document."""

from functools import cache
from typing import TypeVar

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from luotdoc_events.version import VERSION
from luotdoc_subscriber.base.errors import Transient
from shared.base.errors import Problem
from shared.web.asgi import Disconnected, Receive, Scope, Send, check_content_type, read_body
from shared.web.docs import add_docs
from shared.web.openapi import Described, openapi_document
from shared.web.problems import PROBLEM_TYPE, as_problem, from_validation, problem_body

M = TypeVar("M", bound=BaseModel)

PARTS = ("query", "path", "header", "body")
"""FastAPI's names for the parts of a request, which an answer's paths leave out."""


def make_api(title: str, description: str, described: Described, docs_under: str = "") -> FastAPI:
    """A FastAPI app whose errors are problem documents,
    and whose OpenAPI document includes `described`. `docs_under`: see `add_docs`.
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
        # FastAPI's own spans would follow any caller's trace context (shared/web/traced.py).
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    api.openapi = cache(lambda: openapi_document(api, described))  # type: ignore[method-assign]
    api.add_exception_handler(Disconnected, _on_gone)
    api.add_exception_handler(RequestValidationError, _on_invalid)
    api.add_exception_handler(HTTPException, _on_http)
    for kind in (Problem, Transient, TimeoutError, Exception):
        api.add_exception_handler(kind, _on_error)
    add_docs(api, docs_under)
    return api


async def _on_error(_request: Request, error: Exception) -> Response:
    return problem_response(as_problem(error))


async def _on_invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  (for the type checker)
    faults = [
        {**fault, "loc": tuple(part for part in fault["loc"] if part not in PARTS)}
        for fault in error.errors()
    ]
    return problem_response(from_validation(faults))


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  (for the type checker)
    extra = list((error.headers or {}).items())
    if error.status_code == 405:
        # Starlette's Allow has only the methods of the path's first route.
        extra = [("allow", ", ".join(_methods(request.app, request.scope)))]
    return problem_response(Problem(error.status_code, str(error.detail), headers=extra))


async def _on_gone(_request: Request, _error: Exception) -> Response:
    return _Silence()


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


def problem_response(problem: Problem) -> Response:
    """`problem` as an answer of an API."""
    return Response(
        problem_body(problem), problem.status, dict(problem.headers), media_type=PROBLEM_TYPE
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
