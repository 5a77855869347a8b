"""Usual questions past FastAPI, which takes longer to route and check one than its answer takes to
be made. Everything else goes to FastAPI: other paths, faulty parameters and other forms.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, ValidationError

from services.stats import parameters
from services.stats.reports import Reports
from services.stats.tables import CSV, JSON, NDJSON, chosen_form, wants_csv
from shared.web.api import problem_response
from shared.web.asgi import App, Disconnected, Receive, Scope, Send, header, respond
from shared.web.headers import RawHeaders
from shared.web.problems import as_problem
from shared.web.remembered import STILL_KEY

PlainAnswer = tuple[bytes, RawHeaders]
"""A body in JSON, and its headers."""
M = TypeVar("M", bound=BaseModel)
_JSON = (b"content-type", b"application/json")
_NEGOTIATED = (b"vary", b"Accept")
_SECTION = re.compile(r"/stats/sections/([a-z0-9]+(?:-[a-z0-9]+)*)")
_MOST_SLUG = 100


def plainly(app: App, reports: Reports) -> App:
    """Answer usual questions for top lists, series and a section as `app` would."""
    answers: Mapping[str, Callable[[Scope, Reports], Awaitable[PlainAnswer | None]]] = {
        "/stats/top": _top,
        "/stats/series": _series,
    }

    async def wrapper(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        answer = _section if path.startswith("/stats/sections/") else answers.get(path)
        if answer is None or scope["method"] != "GET":
            await app(scope, receive, send)
            return
        try:
            made = await answer(scope, reports)
        except Disconnected:
            raise
        except Exception as error:
            await problem_response(as_problem(error))(scope, receive, send)
            return
        if made is None:
            await app(scope, receive, send)
        else:
            await respond(send, 200, *made, policy=[])

    return wrapper


def site_at_once(app: App, reports: Reports) -> App:
    """Answer `GET /stats/site` before `app`, if it has no parameters, as `get_site` would.
    Every page may request it, so it must not queue for `app` with the other requests.
    """

    async def wrapper(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] != "/stats/site" or scope["method"] != "GET" or scope["query_string"]:
            await app(scope, receive, send)
            return
        figures = await reports.site()
        body = figures.model_dump_json().encode()
        start = {
            "type": "http.response.start",
            "status": 200,
            "headers": [_JSON, (b"content-length", b"%d" % len(body))],
            STILL_KEY: lambda: reports.is_site(figures),
        }
        await send(start)
        await send({"type": "http.response.body", "body": body})

    return wrapper


async def _top(scope: Scope, reports: Reports) -> PlainAnswer | None:
    query = _parsed(scope, parameters.TopParameters)
    if query is None or wants_csv(query.format, _accepted(scope)):
        return None
    found = await reports.top(query)
    return found.model_dump_json(by_alias=True).encode(), [_JSON, _NEGOTIATED]


async def _series(scope: Scope, reports: Reports) -> PlainAnswer | None:
    query = _parsed(scope, parameters.SeriesParameters)
    if query is None or chosen_form(query.format, _accepted(scope), (JSON, CSV, NDJSON)) != JSON:
        return None
    return await reports.series(query), [_NEGOTIATED, _JSON]


async def _section(scope: Scope, reports: Reports) -> PlainAnswer | None:
    name = _SECTION.fullmatch(scope["path"])
    query = _parsed(scope, parameters.CompareParameters)
    if name is None or len(name[1]) > _MOST_SLUG or query is None:
        return None
    found = await reports.section(name[1], query.compare)
    return found.model_dump_json(by_alias=True).encode(), [_JSON]


def _accepted(scope: Scope) -> str:
    return (header(scope, b"accept") or b"").decode("latin-1")


def _parsed(scope: Scope, kind: type[M]) -> M | None:
    """The query as a `kind`; None for a faulty one."""
    query: str = scope["query_string"].decode("latin-1")
    values: dict[str, Any] = dict(parse_qsl(query, keep_blank_values=True))
    try:
        return kind.model_validate(values)
    except ValidationError:
        return None
