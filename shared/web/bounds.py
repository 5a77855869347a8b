"""The bounds of one HTTP request, and the refusals of requests beyond them. Pure.

uvicorn relies on a proxy to bound a request before the application sees it. Here each part is
bounded while it arrives: the request line (414), headers (431), trailers and chunk extensions
(400), pipelined requests, and data sent after an answer.
"""

import httptools

from shared.base.errors import Problem
from shared.web.headers import RawHeaders
from shared.web.problems import as_problem

MAX_TARGET = 8 << 10
"""Upper bound for the bytes of a request's target."""
MAX_HEADERS = 100
MAX_HEAD = 32 << 10
"""Upper bound for the bytes of a request's line and headers,
of its trailers, and of its chunk extensions."""
MAX_PIPELINED = 16
"""Upper bound for the requests that wait on a connection; after them the connection is closed."""
MAX_CHUNKS, LEAST_CHUNK = 1000, 16
"""A body of more chunks must have so many bytes per chunk on average:
a chunk costs as much CPU as a small request."""
SLICE = 16 << 10
"""Bytes that are parsed at once.
The parser reports a header only when it is complete; this bounds what it buffers."""
DISCARDED = 16 << 20
"""Upper bound for bytes that are read and discarded after an answer,
for clients that send all before they read."""


def head_size(url: bytes, headers: RawHeaders) -> int:
    """Bytes of a request's target and headers, as they arrived."""
    return len(url) + sum(len(name) + len(value) + 4 for name, value in headers)


def endless(in_body: bool) -> Problem:
    """The refusal of a head (431), or of trailers and chunk extensions (400), over `MAX_HEAD`."""
    if in_body:
        return Problem(400, f"trailers and chunk extensions may have at most {MAX_HEAD} bytes")
    return Problem(431, f"the request line and headers may have at most {MAX_HEAD} bytes")


def too_many_trailers() -> Problem:
    """The refusal of a request with more trailers than `MAX_HEADERS`."""
    return Problem(400, f"a request may have at most {MAX_HEADERS} trailers")


def too_many_headers() -> Problem:
    """The refusal of a request with more headers than `MAX_HEADERS`."""
    return Problem(431, f"a request may have at most {MAX_HEADERS} headers")


def too_many_chunks() -> Problem:
    """The refusal of a body that is cut into too many chunks."""
    return Problem(400, f"beyond {MAX_CHUNKS} chunks they must have {LEAST_CHUNK} bytes on average")


def refusal_of(error: httptools.HttpParserError) -> tuple[Problem, str]:
    """The answer to a request that the parser did not take, and the reason for the metric.

    What a callback raised is the context of the parser's error.
    """
    cause = error.__context__
    if isinstance(cause, Problem):
        return cause, "malformed" if cause.status == 400 else "too_large"
    if cause is None or isinstance(cause, httptools.HttpParserError | UnicodeDecodeError):
        return Problem(400, f"this is no HTTP/1.1 request: {str(error).lower()}"), "malformed"
    bug = as_problem(cause) if isinstance(cause, Exception) else Problem(500, "stopping")
    return bug, "malformed"


def with_path(target: bytes) -> bytes:
    """`target`, with the root as its path if it is an absolute address without a path."""
    if httptools.parse_url(target).path is not None:
        return target
    address, mark, query = target.partition(b"?")
    return address + b"/" + mark + query


def without_upgrade(method: bytes, target: bytes, version: str, headers: RawHeaders) -> bytes:
    """The head of a request without its `Upgrade` header, up to the empty line."""
    lines = [b"%b %b HTTP/%b" % (method, target, version.encode())]
    for name, value in headers:
        if name == b"connection":
            value = b", ".join(
                part for part in value.split(b",") if part.strip().lower() != b"upgrade"
            )
        if name != b"upgrade":
            lines.append(name + b": " + value)
    return b"\r\n".join([*lines, b"", b""])
