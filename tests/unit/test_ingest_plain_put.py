"""The plain PUT: the same answers as by FastAPI, byte for byte, and the same articles."""

from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Any

import orjson
import pytest

from luotdoc_subscriber.base.metrics import new_registry
from services.ingest.api import describe_api
from services.ingest.articles.plain_put import PlainPut
from services.ingest.metrics import IngestMetrics
from services.ingest.reads.known import KnownArticles
from services.ingest.service import Articles
from services.ingest.tokens import Token
from shared.base.metrics import Requests
from shared.web.asgi import App, Receive, Scope, Send
from shared.web.observed import observed
from tests.support.article_store import NOON, SITE, ArticlesInMemory

TOKENS = (
    Token("cms", frozenset({"articles"}), sha256(b"right").hexdigest()),
    Token("app", frozenset({"reads"}), sha256(b"reads").hexdigest()),
)
MOST = 20_000
RIGHT = (b"authorization", b"Bearer right")
GIVEN: dict[str, Any] = {
    "title": "Thông xe cầu Vĩnh Ngàn",
    "section": "thoi-su",
    "lead": "Cầu dài 480 m.",
    "body_html": '<p>Sáng nay <b>thông xe</b>, <a href="/thoi-su/a-b1.html">xem</a>.</p>',
    "tags": ["cầu", "giao thông"],
}


def given(**other: Any) -> bytes:
    return orjson.dumps(GIVEN | other)


@dataclass(frozen=True)
class Put:
    """A request: what it sends, in one part or several."""

    parts: tuple[bytes, ...]
    headers: tuple[tuple[bytes, bytes], ...] = ()
    target: str = "/articles/a1"
    query: bytes = b""
    method: str = "PUT"
    token: tuple[bytes, bytes] | None = RIGHT
    leaves: bool = False
    """True if the client leaves before the end of its body."""

    def scope(self) -> Scope:
        headers = [(b"x-correlation-id", b"c1"), *self.headers]
        headers += [self.token] if self.token else []
        return {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http",
            "method": self.method, "path": self.target, "raw_path": self.target.encode(),
            "root_path": "", "query_string": self.query, "headers": headers,
            "client": ("10.0.0.1", 5), "server": ("10.0.0.2", 80),
        }  # fmt: skip


@dataclass
class Way:
    """One way into ingest, with its own articles."""

    store: ArticlesInMemory = field(default_factory=ArticlesInMemory)

    def service(self) -> Articles:
        metrics = IngestMetrics(new_registry())
        return Articles(
            store=self.store,
            known=KnownArticles(self.store, lambda: 0.0, metrics),
            tokens=TOKENS,
            base_url=SITE,
            clock=lambda: NOON,
            changed=lambda: None,
            deliver=_never,
            max_article_bytes=MOST,
            max_media_bytes=MOST,
            metrics=metrics,
            sections=lambda: {"thoi-su": "Thời sự"},
        )

    def by_fastapi(self) -> App:
        api = describe_api()
        api.state.service = self.service()
        return api

    def plain(self, api: App) -> App:
        return PlainPut(api, self.service())


async def _never(_batch: object) -> None:
    raise AssertionError


async def answered(app: App, *puts: Put) -> list[list[MutableMapping[str, Any]]]:
    """The messages of each answer, with what stands around the API."""
    around, answers = observed(app, Requests(new_registry())), []
    for put in puts:
        sent: list[MutableMapping[str, Any]] = []
        messages = [
            {"type": "http.request", "body": part, "more_body": put.leaves or n < len(put.parts)}
            for n, part in enumerate(put.parts, 1)
        ]
        messages += [{"type": "http.disconnect"}]

        async def receive(left: Any = messages) -> MutableMapping[str, Any]:
            message: MutableMapping[str, Any] = left.pop(0)
            return message

        async def send(message: MutableMapping[str, Any], sent: Any = sent) -> None:
            sent.append(message)

        await around(put.scope(), receive, send)
        answers.append(sent)
    return answers


PLAIN: dict[str, tuple[Put, ...]] = {
    "new": (Put((given(),)),),
    "the same again": (Put((given(),)), Put((given(),))),
    "changed": (Put((given(),)), Put((given(title="Khác", correction="Sai tên cầu"),))),
    "in parts": (Put((given()[:100], given()[100:])),),
    "scheduled": (Put((given(published_at=(NOON + timedelta(days=1)).isoformat()),)),),
    "with a mark of UTF-8": (Put((b"\xef\xbb\xbf" + given(),)),),
    "warned": (Put((given(section="khac", tags=["a", "a"], image={"url": "/media/x.webp"}),)),),
    "no JSON": (Put((b"{",)),),
    "nothing": (Put((b"",)),),
    "a list": (Put((b"[]",)),),
    "no title": (Put((given(title=None),)),),
    "an unknown field": (Put((given(headline="x"),)),),
    "a field given twice": (Put((given()[:-1] + b',"title":"Hai"}',)),),
    "hostile markup": (Put((given(body_html="<script>x</script><p onclick=x>Tin<b>"),)),),
    "nothing left": (Put((given(body_html="<script>x</script>"),)),),
    "a reserved section": (Put((given(section="search"),)),),
    "its own translation": (
        Put((given(translations=[{"language": "en", "article": "a1"}]),)),
    ),
    "not UTF-8": (Put((given()[:-1] + b',"byline":"\xff"}',)),),
    "half a surrogate": (Put((given()[:-1] + b',"byline":"\\ud800"}',)),),
    "another type": (Put((given(),), ((b"content-type", b"text/html"),)),),
    "compressed": (Put((given(),), ((b"content-encoding", b"gzip"),)),),
    "too long by its head": (Put((given(),), ((b"content-length", b"20001"),)),),
    "too long": (Put((given(), b" " * MOST)),),
    "the client leaves": (Put((given()[:50],), leaves=True),),
    "an escape in its path": (Put((given(),), target="/articles/b2"),),
}  # fmt: skip
OTHERS: dict[str, Put] = {
    "a query": Put((given(),), query=b"strict=true"),
    "an empty condition": Put((given(),), ((b"if-match", b""),)),
    "a condition": Put((given(),), ((b"if-match", b'"3"'),)),
    "only if new": Put((given(),), ((b"if-none-match", b"*"),)),
    "no token": Put((given(),), token=None),
    "a wrong token": Put((given(),), token=(b"authorization", b"Bearer wrong")),
    "a token for reads": Put((given(),), token=(b"authorization", b"Bearer reads")),
    "a bad id": Put((given(),), target="/articles/A1"),
    "a longer path": Put((given(),), target="/articles/a1/"),
    "no id": Put((given(),), target="/articles/"),
    "another method": Put((given(),), method="PATCH"),
}


@pytest.mark.parametrize("puts", PLAIN.values(), ids=PLAIN)
async def test_a_plain_put_is_answered_as_by_fastapi(puts: tuple[Put, ...]) -> None:
    async def unasked(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise AssertionError("the request went through FastAPI")

    fastapi, plain = Way(), Way()
    expected = await answered(fastapi.by_fastapi(), *puts)
    assert await answered(plain.plain(unasked), *puts) == expected
    assert plain.store.articles == fastapi.store.articles
    assert [e.article for e in plain.store.outbox] == [e.article for e in fastapi.store.outbox]


FAULTS: dict[str, Callable[[ArticlesInMemory], None]] = {
    "away": lambda store: setattr(store, "away", True),
    "a bug": lambda store: setattr(store, "fails", lambda *_: KeyError("x")),
    "a time limit": lambda store: setattr(store, "fails", lambda *_: TimeoutError()),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_a_failing_store_is_answered_as_by_fastapi(
    fault: Callable[[ArticlesInMemory], None],
) -> None:
    fastapi, plain = Way(), Way()
    fault(fastapi.store)
    fault(plain.store)
    expected = await answered(fastapi.by_fastapi(), Put((given(),)))
    assert expected[0][0]["status"] >= 500
    assert await answered(plain.plain(plain.by_fastapi()), Put((given(),))) == expected


@pytest.mark.parametrize("put", OTHERS.values(), ids=OTHERS)
async def test_every_other_request_goes_through_fastapi(put: Put) -> None:
    went = list[str]()

    async def api(scope: Scope, _receive: Receive, send: Send) -> None:
        went.append(scope["path"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    await answered(Way().plain(api), put)
    assert went == [put.target]


async def test_answers_are_told_apart() -> None:
    """The comparison above would show a difference: these answers have many statuses."""
    found = {
        name: answer[0]["status"] if answer else 0
        for name, puts in PLAIN.items()
        for answer in (await answered(Way().plain(Way().by_fastapi()), *puts))[-1:]
    }
    assert (found["new"], found["the same again"], found["no JSON"]) == (201, 200, 422)
    assert set(found.values()) == {0, 200, 201, 413, 415, 422}
