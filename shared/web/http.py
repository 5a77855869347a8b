"""HTTP pieces that every service shares: problem documents, bounded bodies, an API with our error answers."""

import logging
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from functools import cache
from http import HTTPStatus
from itertools import islice
from typing import Any, TypeVar
from urllib.parse import parse_qs, parse_qsl

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel, ValidationError
from pymongo.errors import PyMongoError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from shared.base import metrics
from shared.base.errors import Problem, Transient, Unavailable
from shared.base.log import correlate
from shared.base.version import VERSION
from shared.web import headers as security
from shared.web.docs import add_docs
from shared.web.openapi import PROBLEM_TYPE, Described, document

log = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
RawHeaders = list[tuple[bytes, bytes]]

UNCHOSEN_TYPES = frozenset({"", "application/octet-stream", "application/x-www-form-urlencoded", "text/plain"})
"""What HTTP clients declare for a body when nobody told them its type (curl, fetch, aiohttp): it says nothing."""
MAX_FAULTS, MAX_PATH, MAX_MESSAGE = 20, 100, 300
"""Of an answer to bad input: faults, characters. It must not grow with what was sent."""
MAX_PARAMETERS = 20
_PLAIN = (b"", b"identity")

M = TypeVar("M", bound=BaseModel)


class Disconnected(Exception):
    """The client went away before its request was whole; nobody is left to answer."""


def header(scope: Scope, name: bytes) -> bytes | None:
    """The first header called `name` (lower case), or None."""
    for key, value in scope["headers"]:
        if key == name:
            return bytes(value)
    return None


async def read_body(scope: Scope, receive: Receive, limit: int) -> bytes:
    """The request's body, of at most `limit` bytes. Raises `Problem` 413 without reading the rest, or 415."""
    if any(name == b"content-encoding" and value.strip().lower() not in _PLAIN for name, value in scope["headers"]):
        raise Problem(415, "the body may not be compressed", headers=[("accept-encoding", "identity")])
    declared = header(scope, b"content-length")
    if declared and declared.isdigit() and int(declared[:20]) > limit:
        raise too_large(limit)
    message = await receive()
    body: bytes = message.get("body", b"")
    if message.get("more_body"):
        parts, size = [body], len(body)
        while message.get("more_body") and size <= limit:
            message = await receive()
            parts.append(message.get("body", b""))
            size += len(parts[-1])
        body = b"".join(parts)
    if message["type"] == "http.disconnect":
        raise Disconnected
    if len(body) > limit:
        raise too_large(limit)
    return body


def too_large(limit: int) -> Problem:
    """413; the connection is closed because the rest of the body stays unread."""
    return Problem(413, f"the body may have at most {limit} bytes", headers=[("connection", "close")])


def query_value(scope: Scope, name: str) -> str | None:
    """The first value of a query parameter; None without one, or in a query that nobody sends in earnest."""
    return next(iter(query_values(scope, name)), None)


def query_values(scope: Scope, name: str) -> list[str]:
    """Every value of a query parameter; none in a query that nobody sends in earnest."""
    try:
        query: str = scope["query_string"].decode("latin-1")
        return parse_qs(query, keep_blank_values=True, max_num_fields=MAX_PARAMETERS).get(name, [])
    except ValueError:
        return []


def check_query(scope: Scope) -> None:
    """Raise `Problem` 422 for a parameter that is given twice: whichever were taken, the other would be lost."""
    if not (query := scope.get("query_string", b"")):
        return
    try:
        pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=MAX_PARAMETERS)
    except ValueError:
        fault = {"path": "query", "message": f"may have at most {MAX_PARAMETERS} parameters"}
        raise Problem(422, "the request is not valid", [fault]) from None
    seen = set[str]()
    for name, _ in pairs:
        if name in seen:
            raise Problem(422, "the request is not valid", [{"path": name[:MAX_PATH], "message": "is given twice"}])
        seen.add(name)


async def respond(
    send: Send,
    status: int,
    body: bytes = b"",
    headers: Iterable[tuple[bytes, bytes]] = (),
    policy: RawHeaders = security.STRICT,
) -> None:
    """Send a whole answer. `policy`: its security headers, beyond those of every answer."""
    fields = [*headers, *policy]
    if status not in (204, 304):
        fields.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": fields})
    await send({"type": "http.response.body", "body": body})


def problem_answer(problem: Problem) -> tuple[int, bytes, bytes]:
    """An RFC 9457 answer as bytes: its status, its header lines, each ended, and its body."""
    body = orjson.dumps(problem.body(HTTPStatus(problem.status).phrase))
    fields = {"content-type": PROBLEM_TYPE, "content-length": str(len(body)), **dict(problem.headers)}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items()).encode()
    return problem.status, head + security.lines(security.STRICT), body


async def respond_problem(send: Send, problem: Problem) -> None:
    """Send an RFC 9457 answer."""
    headers: RawHeaders = [(b"content-type", PROBLEM_TYPE.encode())]
    headers += [(name.encode(), value.encode()) for name, value in problem.headers]
    body = orjson.dumps(problem.body(HTTPStatus(problem.status).phrase))
    await respond(send, problem.status, body, headers)


def from_validation(errors: Iterable[Any], status: int = 422, detail: str = "the request is not valid") -> Problem:
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
    """What a client is told of `error`; a bug is logged with its traceback, and the client learns nothing of it."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, Unavailable):
        return Problem(503, str(error), headers=[("retry-after", str(error.retry_after))])
    if isinstance(error, Transient | PyMongoError | TimeoutError):
        log.warning("unavailable: %s", str(error) or type(error).__name__)
        return Problem(503, "a server that this needs is away, try again", headers=[("retry-after", "1")])
    log.error("a bug while answering", exc_info=error)
    return Problem(500, "something went wrong here; it is logged")


def make_api(title: str, description: str, described: Described) -> FastAPI:
    """A FastAPI app whose every error is a problem document, and which tells of `described` too."""
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
        faults = [{**f, "loc": tuple(p for p in f["loc"] if p not in kinds)} for f in error.errors()]
        return _problem_response(from_validation(faults))

    async def on_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101
        extra = list((error.headers or {}).items())
        if error.status_code == 405:  # Starlette names the methods of the path's first route alone
            extra = [("allow", ", ".join(_methods(api, request.scope)))]
        return _problem_response(Problem(error.status_code, str(error.detail), headers=extra))

    async def on_gone(_request: Request, _error: Exception) -> Response:
        return _Silence()

    api.add_exception_handler(Disconnected, on_gone)
    api.add_exception_handler(RequestValidationError, on_invalid)
    api.add_exception_handler(HTTPException, on_http)
    for kind in (Problem, Transient, PyMongoError, TimeoutError, Exception):
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
    """For a client that is gone."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send nothing."""


def _problem_response(problem: Problem) -> Response:
    return Response(
        orjson.dumps(problem.body(HTTPStatus(problem.status).phrase)),
        problem.status,
        dict(problem.headers),
        media_type=PROBLEM_TYPE,
    )


def check_content_type(scope: Scope, wanted: str, hint: str) -> None:
    """Raise `Problem` 415 unless the body is declared as `wanted` (`image/*` is any picture), or as nothing chosen."""
    declared = (header(scope, b"content-type") or b"").decode("latin-1").partition(";")[0].strip().lower()
    family = wanted.removesuffix("*")
    fits = declared.startswith(family) if wanted.endswith("/*") else declared == wanted or declared.endswith("+json")
    if not fits and declared not in UNCHOSEN_TYPES:
        raise Problem(415, f"the body must be {hint}", headers=[("accept", wanted)])


async def json_body(request: Request, limit: int) -> bytes:
    """The JSON body of a request, at most `limit` bytes. Raises `Problem` 413 or 415."""
    check_content_type(request.scope, "application/json", "JSON, with the type application/json")
    return await read_body(request.scope, request.receive, limit)


def validated(kind: type[M], body: bytes) -> M:
    """`body` as a `kind`. Raises `Problem` 422 with the fields at fault."""
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        raise from_validation(error.errors(include_url=False, include_input=False, include_context=False)) from None


def observed(app: App, requests: metrics.Requests, policy: RawHeaders = security.STRICT) -> App:
    """Count and time the answers of an API, and answer its bugs with 500.

    Each answer gets a correlation id and the security headers of `policy` that it lacks. HEAD is answered as GET,
    without the body.
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
                    given = [(name, _with_head(value) if name == b"allow" else value) for name, value in given]
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
            if ended:  # FastAPI answers a bug with `on_error` and raises it again
                return
            if status:
                raise
            await respond_problem(watched, as_problem(error))
        finally:
            method = scope["method"] if scope["method"] in metrics.METHODS else metrics.OTHER  # a client may invent any
            requests.answers.labels(method, str(status)).inc()
            requests.seconds.observe(time.perf_counter() - started)

    return wrapper


def _with_head(allowed: bytes) -> bytes:
    """An `Allow` header with HEAD where GET is in it."""
    methods = {method.strip() for method in allowed.split(b",")}
    return b", ".join(sorted(methods | {b"HEAD"} if b"GET" in methods else methods))
