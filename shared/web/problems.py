"""Problem documents (RFC 9457): made from errors, and sent."""

import logging
from collections.abc import Iterable
from http import HTTPStatus
from itertools import islice
from typing import Any

import orjson

from luotdoc_subscriber.base.errors import Transient
from shared.base.errors import INVALID, NewerVersion, Problem, Unavailable
from shared.web import headers as security
from shared.web.asgi import MAX_PATH, Send, respond
from shared.web.headers import RawHeaders

log = logging.getLogger(__name__)

PROBLEM_TYPE = "application/problem+json"
MAX_FAULTS, MAX_MESSAGE = 20, 300
"""Upper bounds for the faults in an answer and the characters of a message.
An answer must not grow with its request."""


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
    if isinstance(error, NewerVersion):
        log.error("%s", error)
    else:
        log.error("a bug while answering", exc_info=error)
    return Problem(500, "something went wrong here; it is logged")


def problem_body(problem: Problem) -> bytes:
    """The problem as JSON."""
    return orjson.dumps(problem.body(HTTPStatus(problem.status).phrase))


def problem_answer(problem: Problem) -> tuple[int, bytes, bytes]:
    """The answer as (status, header lines with line ends, body)."""
    body = problem_body(problem)
    fields = {
        "content-type": PROBLEM_TYPE,
        "content-length": str(len(body)),
        **dict(problem.headers),
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items()).encode()
    return problem.status, head + security.header_lines(security.STRICT), body


async def respond_problem(send: Send, problem: Problem) -> None:
    """Send the answer through ASGI."""
    headers: RawHeaders = [(b"content-type", PROBLEM_TYPE.encode())]
    headers += [(name.encode(), value.encode()) for name, value in problem.headers]
    await respond(send, problem.status, problem_body(problem), headers)
