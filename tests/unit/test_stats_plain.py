"""Usual questions past FastAPI: the same answers as FastAPI's, byte for byte."""

from itertools import product
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest

from luotdoc_subscriber.base.errors import Transient
from luotdoc_subscriber.base.metrics import new_registry
from luotdoc_subscriber.base.tracing import Tracer
from services.stats import answers, api
from services.stats.pages.pages import Pages
from services.stats.plain import plainly
from services.stats.readers.answers import Readers, ReadersOfDay
from services.stats.serving import answering, public_api
from shared.base.errors import Problem, Unavailable
from shared.base.metrics import Requests
from shared.web.asgi import App, Receive, Scope, Send
from shared.web.headers import OPEN
from shared.web.observed import observed
from tests.support.connection import Application, Connection

MOMENT = "2026-11-23T07:05:00.000Z"
READERS = Readers(
    today=ReadersOfDay(number=3, error=0.1),
    yesterday=ReadersOfDay(number=None, error=None),
    mean_7d=12.0,
    mean_30d=None,
    since=MOMENT,
)
TITLES = ("Lượt đọc: 30/4 \u2028 </b>", "\U0001f4f0", 'a\\b"c\n\x7f')
FAILURES: dict[str, Exception] = {
    "khong-co": Problem(404, "no article is in this section"),
    "chua": Unavailable("the figures are being prepared, try again"),
    "xa": Transient("MongoDB is away"),
    "cham": TimeoutError(),
    "loi": ValueError("a bug"),
}


class Questions:
    """Reports that answer with what they are asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    async def top(self, query: Any) -> answers.TopList:
        self._note(query, query.section)
        items = [
            answers.TopItem(article=f"a{n}", title=title, url=f"https://x.vn/{n}", reads=n)
            for n, title in enumerate(TITLES)
        ]
        return answers.TopList(
            window=query.window, from_=MOMENT, to=None, section=query.section, items=items,
            as_of=MOMENT, since=None,
        )  # fmt: skip

    async def series(self, query: Any) -> bytes:
        self._note(query, query.section)
        return repr(query).encode()

    async def section(self, name: str, by: Any) -> answers.SectionReads:
        self._note((name, by), name)
        fields: dict[str, Any] = dict.fromkeys(answers.SectionFigures.model_fields, 7)
        fields |= {"section": name, "readers": READERS, "online": None}
        return answers.SectionReads(**fields, as_of=MOMENT, since=None)

    def _note(self, asked: Any, section: str | None) -> None:
        self.asked.append(asked)
        if section in FAILURES:
            raise FAILURES[section]


class BothWays:
    """The API alone, and with its usual questions answered past it."""

    def __init__(self) -> None:
        self.slow = 0
        self._whole, self._plain = Questions(), Questions()
        reports: Any = self._plain
        self._apps: list[tuple[Questions, App]] = [
            (self._whole, self._made(self._whole)),
            (self._plain, plainly(self._counted(self._made(self._plain)), reports)),
        ]

    @staticmethod
    def _made(reports: Any) -> App:
        made: Any = api.make(reports, reports)
        return made  # type: ignore[no-any-return]

    def _counted(self, app: App) -> App:
        async def counted(scope: Scope, receive: Receive, send: Send) -> None:
            self.slow += 1
            await app(scope, receive, send)

        return counted

    async def ask(self, target: str, accept: str, method: str = "GET") -> int:
        """The status of the answers, which are the same, as are the questions of reports."""
        told: list[Any] = []
        for reports, app in self._apps:
            served = observed(app, Requests(new_registry()), OPEN)
            transport = httpx.ASGITransport(app=served, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://stats") as http:
                answer = await http.request(method, target, headers={"accept": accept})
            headers = [each for each in answer.headers.raw if each[0] != b"x-correlation-id"]
            told.append((answer.status_code, answer.content, sorted(headers), reports.asked[-1:]))
        assert told[0] == told[1], target
        assert len(self._whole.asked) == len(self._plain.asked), target
        return int(told[0][0])


TOPS = [
    "", "?", "?window=7d", "?window=all&limit=100", "?limit=1&section=van-hoa", "?format=json",
    "?window=24h&format=csv", "?window=32d", "?window=", "?limit=", "?limit=0", "?limit=101",
    "?limit=%31%30", "?limit=+5", "?limit=%205", "?limit=5.0", "?limit=1e1", "?limit=1_0",
    "?limit=٣", "?section=", "?section=V%C4%83n", "?section=a--b", "?section=a%0A", "?unknown=1",
    "?Window=7d", "?window=7d&window=1h", "?window=7d;limit=3", "?&&limit=3&", "?limit", "?=1",
    "?section=%FF%FE", "?section=" + "a" * 101, "?format=ndjson", "?format=JSON", "?limit=true",
    "?" + "&".join(f"p{n}=1" for n in range(25)),
]  # fmt: skip
SERIES = [
    "", "?step=day&from=2024-11-23&to=2026-11-24", "?step=hour&from=2026-11-23T00:00:00%2B07:00",
    "?step=hour&from=2026-11-23T00:00:00+07:00", "?step=week&tz=Asia/Ho_Chi_Minh", "?tz=Mars/Sea",
    "?step=day&class=bot", "?class_=bot", "?from_=2026-01-01", "?class=human", "?split=device",
    "?article=a1&section=tin", "?article=", "?format=csv", "?format=ndjson", "?format=json",
    "?from=2026-13-01", "?from=1", "?from=", "?to=2026-11-23T25:00Z", "?step=Day", "?step=",
]  # fmt: skip
SECTIONS = [
    "/van-hoa", "/van-hoa?compare=previous", "/van-hoa?compare=", "/van-hoa?compare=x", "/", "",
    "/van-hoa/", "/Van", "/a--b", "/a%0A", "/a%2Fb", "/v%61n", "/" + "a" * 101, "/" + "a" * 100,
    "/van-hoa?x=1", "/van-hoa?format=json", "/%C4%83", "/a%00", "/٣",
]  # fmt: skip
ACCEPTED = ("*/*", "text/csv", "application/json;q=0.1,text/csv", "application/x-ndjson", "")


@pytest.mark.parametrize(
    ("path", "rest"),
    [
        *product(["/stats/top"], TOPS),
        *product(["/stats/series"], SERIES),
        *product(["/stats/sections"], SECTIONS),
    ],
)
async def test_both_ways_answer_the_same(path: str, rest: str) -> None:
    both = BothWays()
    for accept in ACCEPTED:
        form = rest + accept
        if path != "/stats/series" or ("csv" not in form and "ndjson" not in form):  # no export
            await both.ask(path + rest, accept)


@pytest.mark.parametrize("section", FAILURES)
async def test_errors_are_the_same_both_ways(section: str) -> None:
    both = BothWays()
    statuses = {
        await both.ask(target, "*/*")
        for target in (
            f"/stats/top?section={section}",
            f"/stats/series?section={section}",
            f"/stats/sections/{section}",
        )
    }
    assert statuses == {404 if section == "khong-co" else 500 if section == "loi" else 503}
    assert both.slow == 0


async def test_usual_questions_go_past_fastapi_and_others_do_not() -> None:
    both = BothWays()
    for target in ("/stats/top?window=7d", "/stats/series", "/stats/sections/van-hoa"):
        for method in ("GET", "HEAD"):
            assert await both.ask(target, "*/*", method) == 200
    assert both.slow == 0
    assert await both.ask("/stats/top?format=csv", "*/*") == 200
    assert await both.ask("/stats/top?limit=0", "*/*") == 422
    assert await both.ask("/stats/top", "*/*", "POST") == 405
    assert both.slow == 3


class Served(Application):
    """stats' API behind the HTTP protocol, which notes what goes through ASGI."""

    def __init__(self, *, traced: bool) -> None:
        super().__init__()
        reports: Any = Questions()
        tracer = Tracer()
        tracer.on = traced
        settings: Any = SimpleNamespace(cors_origins=("https://a.example",))
        self._app, self.fast_get = public_api(
            answering(reports, reports, cast(Pages, None)),
            Requests(new_registry()),
            settings=settings,
            tracer=tracer,
        )
        self.slow = list[str]()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.slow.append(scope["path"])
        await self._app(scope, receive, send)


@pytest.mark.parametrize("target", ["/stats/top?window=7d", "/stats/series", "/stats/sections/tin"])
async def test_an_answer_that_is_remembered_goes_past_asgi(target: str) -> None:
    app, answered = Served(traced=False), list[list[bytes]]()
    one = Connection(app)
    for _ in range(2):
        sent = await one.send(f"GET {target} HTTP/1.1\r\nAccept-Encoding: gzip\r\n\r\n".encode())
        lines = sent.split(b"\r\n")
        answered.append([each for each in lines if not each.startswith(b"x-correlation-id: ")])
        assert len(answered[-1]) == len(lines) - 1
    assert answered[0] == answered[1]
    assert answered[0][0] == b"HTTP/1.1 200 OK"
    assert b"vary: Origin" in answered[0]
    assert app.slow == [target.partition("?")[0]]


async def test_while_requests_are_traced_none_goes_past_asgi() -> None:
    app = Served(traced=True)
    one = Connection(app)
    for _ in range(2):
        assert b" 200 OK" in await one.send(b"GET /stats/top HTTP/1.1\r\n\r\n")
    assert app.slow == ["/stats/top"] * 2
