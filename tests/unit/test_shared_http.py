"""Bodies within bounds, problem documents, and an API whose every error is one."""

import json
from collections.abc import Iterable, MutableMapping
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Query, Request
from pydantic import BaseModel

from luotdoc_subscriber.base.errors import Permanent, Transient
from luotdoc_subscriber.base.metrics import Registry, new_registry
from shared.base.errors import Problem, Unavailable
from shared.base.metrics import Requests
from shared.web.api import json_body, make_api, validated
from shared.web.asgi import (
    App,
    Disconnected,
    Receive,
    Scope,
    Send,
    header,
    read_body,
    respond,
)
from shared.web.headers import STRICT
from shared.web.observed import observed
from shared.web.openapi import Described
from shared.web.problems import PROBLEM_TYPE, as_problem, from_validation, respond_problem

Message = MutableMapping[str, Any]


class Client:
    """What a server hands to an ASGI app: a body in pieces, then the news that the client is
    gone.
    """

    def __init__(
        self, *pieces: bytes, headers: Iterable[tuple[bytes, bytes]] = (), whole: bool = True
    ) -> None:
        self.scope: Scope = {
            "type": "http",
            "method": "POST",
            "path": "/",
            "headers": list(headers),
        }
        last = len(pieces) - 1
        self._messages: list[Message] = [
            {"type": "http.request", "body": piece, "more_body": number < last or not whole}
            for number, piece in enumerate(pieces)
        ]
        self.taken = 0
        self.sent: list[Message] = []

    async def receive(self) -> Message:
        self.taken += 1
        return self._messages.pop(0) if self._messages else {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    async def read(self, limit: int) -> bytes:
        return await read_body(self.scope, self.receive, limit)


# ── bodies
# ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "pieces", [[b""], [b"abcdef"], [b"abc", b"def"], [b"", b"abc", b"", b"def"], [b"abcdef", b""]]
)
async def test_a_body_is_put_together_of_its_pieces(pieces: list[bytes]) -> None:
    assert await Client(*pieces).read(limit=6) == b"".join(pieces)


@pytest.mark.parametrize("pieces", [[b"abcdefg"], [b"abc", b"defg"], [b"abcdefg", b""], [b"a"] * 7])
async def test_a_body_of_one_byte_too_many_is_refused(pieces: list[bytes]) -> None:
    with pytest.raises(Problem, match="the body may have at most 6 bytes") as problem:
        await Client(*pieces).read(limit=6)
    assert (problem.value.status, problem.value.headers) == (413, [("connection", "close")])


async def test_what_is_too_large_is_not_read_to_its_end() -> None:
    endless = Client(*[b"abc"] * 100)
    with pytest.raises(Problem):
        await endless.read(limit=6)
    assert endless.taken == 3


async def test_a_body_that_is_announced_too_large_is_not_read_at_all() -> None:
    client = Client(b"x", headers=[(b"content-length", b"7")])
    with pytest.raises(Problem):
        await client.read(limit=6)
    assert client.taken == 0


@pytest.mark.parametrize(
    "encodings", [[b"gzip"], [b"identity", b"br"], [b" GZIP "], [b"x"], [b"gzip, identity"]]
)
async def test_a_compressed_body_is_refused(encodings: list[bytes]) -> None:
    client = Client(b"abc", headers=[(b"content-encoding", each) for each in encodings])
    with pytest.raises(Problem, match="the body may not be compressed") as problem:
        await client.read(limit=6)
    assert (problem.value.status, problem.value.headers) == (415, [("accept-encoding", "identity")])


async def test_identity_is_no_compression() -> None:
    assert (
        await Client(b"abc", headers=[(b"content-encoding", b"Identity")]).read(limit=6) == b"abc"
    )


@pytest.mark.parametrize("length", [b"6", b"", b"x", b"-5", b"007"])
async def test_what_is_announced_is_not_believed(length: bytes) -> None:
    headers = [(b"content-length", length)]
    if length == b"007":
        with pytest.raises(Problem):
            await Client(b"abc", headers=headers).read(limit=6)
        return
    assert await Client(b"abc", headers=headers).read(limit=6) == b"abc"
    with pytest.raises(Problem):
        await Client(b"abcdefg", headers=headers).read(limit=6)


async def test_an_endless_number_is_no_trouble() -> None:
    with pytest.raises(Problem):
        await Client(b"abc", headers=[(b"content-length", b"9" * 10_000)]).read(limit=6)


@pytest.mark.parametrize("pieces", [[], [b"abc"], [b"abc", b"d"]])
async def test_a_client_that_goes_before_its_body_is_whole_gets_no_answer(
    pieces: list[bytes],
) -> None:
    with pytest.raises(Disconnected):
        await Client(*pieces, whole=False).read(limit=6)


def test_the_first_header_of_a_name_counts() -> None:
    scope = {"headers": [(b"a", b"1"), (b"b", b"2"), (b"b", b"3")]}
    assert [header(scope, name) for name in (b"a", b"b", b"c")] == [b"1", b"2", None]


# ── answers
# ──────────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_answer_has_its_length() -> None:
    client = Client()
    await respond(client.send, 200, "đọc".encode(), [(b"x-a", b"1")])
    assert client.sent == [
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"x-a", b"1"), *STRICT, (b"content-length", b"6")],
        },
        {"type": "http.response.body", "body": "đọc".encode()},
    ]


@pytest.mark.parametrize("status", [204, 304])
async def test_an_answer_that_has_no_body_has_no_length(status: int) -> None:
    client = Client()
    await respond(client.send, status)
    assert client.sent[0]["headers"] == STRICT


async def test_a_problem_is_a_document() -> None:
    client = Client()
    fault = {"path": "title", "message": "must not be blank"}
    await respond_problem(client.send, Problem(409, "không được", [fault], [("retry-after", "3")]))

    start, body = client.sent
    assert start["status"] == 409
    assert dict(start["headers"])[b"content-type"] == b"application/problem+json"
    assert dict(start["headers"])[b"retry-after"] == b"3"
    assert json.loads(body["body"]) == {
        "type": "about:blank",
        "title": "Conflict",
        "status": 409,
        "detail": "không được",
        "errors": [fault],
    }


def test_a_problem_without_faults_lists_none() -> None:
    assert Problem(404, "nothing").body("Not Found") == {
        "type": "about:blank", "title": "Not Found", "status": 404, "detail": "nothing"
    }  # fmt: skip


def test_faults_are_named_by_their_place() -> None:
    problem = from_validation(
        [
            {"loc": ("image", "url"), "msg": "Value error, must be an address"},
            {"loc": ("tags", 3), "msg": "too long"},
            {"loc": (), "msg": "Invalid JSON"},
        ]
    )
    assert (problem.status, problem.detail) == (422, "the request is not valid")
    assert problem.errors == [
        {"path": "image.url", "message": "must be an address"},
        {"path": "tags.3", "message": "too long"},
        {"path": "body", "message": "Invalid JSON"},
    ]


@pytest.mark.parametrize(
    ("error", "status", "detail", "headers"),
    [
        (Problem(418, "a teapot"), 418, "a teapot", []),
        (Unavailable("full", retry_after=7), 503, "full", [("retry-after", "7")]),
        (
            Transient("amqp://u:p@h is away"),
            503,
            "a server that this service needs is away, try again",
            [("retry-after", "1")],
        ),
        (
            TimeoutError(),
            503,
            "a server that this service needs is away, try again",
            [("retry-after", "1")],
        ),
        (Permanent("bad_body", "inner"), 500, "something went wrong here; it is logged", []),
        (KeyError("inner"), 500, "something went wrong here; it is logged", []),
    ],
)
def test_what_a_client_is_told_of_an_error(
    error: Exception,
    status: int,
    detail: str,
    headers: list[tuple[str, str]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    problem = as_problem(error)
    assert (problem.status, problem.detail, problem.headers) == (status, detail, headers)
    assert [
        record.exc_info is not None for record in caplog.records if record.levelname == "ERROR"
    ] == ([True] if status == 500 else [])


# ── an API
# ──────────────────────────────────────────────────────────────────────────────────────────────────


class Wanted(BaseModel):
    limit: int = 1


def api_app(registry: Registry | None = None) -> App:
    one = make_api("test", "test", Described())

    @one.get("/listing")
    async def listing(wanted: Annotated[Wanted, Query()]) -> int:
        return wanted.limit

    @one.put("/listing")
    async def replace(wanted: Annotated[Wanted, Query()]) -> int:
        return wanted.limit

    @one.post("/body")
    async def body(request: Request) -> dict[str, Any]:
        return validated(Wanted, await json_body(request, 10)).model_dump()

    @one.get("/fails/{how}")
    async def fails(how: str) -> None:
        raise {
            "problem": Problem(409, "no"),
            "away": Transient("MongoDB: h is away"),
            "bug": KeyError("secret"),
        }[how]

    return observed(one, Requests(registry or new_registry()))


def api(registry: Registry | None = None) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(api_app(registry)), base_url="http://test"
    )


@pytest.mark.parametrize(
    ("method", "path", "content", "status", "said"),
    [
        ("GET", "/nowhere", None, 404, "Not Found"),
        ("DELETE", "/listing", None, 405, "Method Not Allowed"),
        ("GET", "/listing?limit=x", None, 422, "limit"),
        ("POST", "/body", b'{"limit":', 422, "body"),
        ("POST", "/body", b'{"limit":x', 422, "body"),
        ("POST", "/body", b'{"limit":1}', 413, "the body may have at most 10 bytes"),
        ("GET", "/fails/problem", None, 409, "no"),
        ("GET", "/fails/away", None, 503, "a server that this service needs is away, try again"),
        ("GET", "/fails/bug", None, 500, "something went wrong here; it is logged"),
    ],
)
async def test_every_error_of_an_api_is_a_problem_document(
    method: str, path: str, content: bytes | None, status: int, said: str
) -> None:
    async with api() as client:
        answer = await client.request(method, path, content=content)
    problem = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (
        status,
        "application/problem+json",
    )
    assert (problem["type"], problem["status"]) == ("about:blank", status)
    assert said == (problem["errors"][0]["path"] if "errors" in problem else problem["detail"])
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text


async def test_a_wrong_method_is_told_every_method_of_the_path() -> None:
    async with api() as client:
        answer = await client.delete("/listing")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, PUT")


@pytest.mark.parametrize(
    ("declared", "status"),
    [
        (None, 200),
        ("application/json", 200),
        ("APPLICATION/JSON; charset=utf-8", 200),
        ("application/merge-patch+json", 200),
        ("application/x-www-form-urlencoded", 200),  # curl -d says so when it is told nothing
        ("text/plain;charset=UTF-8", 200),  # fetch with a text
        ("application/octet-stream", 200),  # aiohttp with bytes
        ("multipart/form-data; boundary=x", 415),
        ("application/xml", 415),
        ("text/html", 415),
        ("image/png", 415),
        ("json", 415),
    ],
)
async def test_a_body_that_is_declared_as_something_else_is_refused(
    declared: str | None, status: int
) -> None:
    headers = {} if declared is None else {"content-type": declared}
    async with api() as client:
        answer = await client.post("/body", content=b"{}", headers=headers)
    assert answer.status_code == status
    if status == 415:
        assert answer.json()["detail"] == "the body must be JSON, with the type application/json"
        assert answer.headers["content-type"] == PROBLEM_TYPE
        assert answer.headers["accept"] == "application/json"


async def test_every_answer_has_a_correlation_id_and_is_counted() -> None:
    registry = new_registry()

    def counted(status: str) -> float | None:
        return registry.get_sample_value(
            "luotdoc_http_requests_total", {"method": "GET", "status": status}
        )

    async with api(registry) as client:
        assert (counted("200"), counted("500")) == (None, 0)
        given = await client.get("/listing?limit=2", headers={"x-correlation-id": "c-1"})
        minted = await client.get("/listing", headers={"x-correlation-id": "not acceptable"})
        failed = await client.get("/fails/bug", headers={"x-correlation-id": "c-2"})

    assert (given.status_code, given.json(), given.headers["x-correlation-id"]) == (200, 2, "c-1")
    assert len(minted.headers["x-correlation-id"]) == 16
    assert failed.headers["x-correlation-id"] == "c-2"
    assert (counted("200"), counted("500")) == (2, 1)


async def test_an_answer_that_has_begun_is_not_begun_again() -> None:
    async def half(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise KeyError("late")

    client = Client(b"")
    with pytest.raises(KeyError, match="late"):
        await observed(half, Requests(new_registry()))(client.scope, client.receive, client.send)
    assert [message["type"] for message in client.sent] == ["http.response.start"]


async def bare(scope: Scope, receive: Receive, _send: Send) -> None:
    await read_body(scope, receive, 10)


@pytest.mark.parametrize("kind", ["bare", "api"])
@pytest.mark.parametrize("pieces", [[], [b"ab"]])
async def test_a_client_that_left_is_sent_nothing_and_is_no_fault(
    kind: str, pieces: list[bytes], caplog: pytest.LogCaptureFixture
) -> None:
    registry = new_registry()
    app = observed(bare, Requests(registry)) if kind == "bare" else api_app(registry)
    client = Client(*pieces, whole=False)
    client.scope.update(path="/body", query_string=b"")
    await app(client.scope, client.receive, client.send)
    failures = registry.get_sample_value(
        "luotdoc_http_requests_total", {"method": "POST", "status": "500"}
    )
    assert (client.sent, failures, caplog.records) == ([], 0, [])
