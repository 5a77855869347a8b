"""Security headers, HEAD, repeated parameters, and reading from other sites, over an API without a
database.
"""

from typing import Annotated

import httpx
import pytest
from fastapi import Query
from pydantic import BaseModel, ConfigDict, ValidationError

from luotdoc_subscriber.base.metrics import new_registry
from services.stats.settings import StatsSettings
from services.stats.tables import cell, local_time
from shared.base.metrics import Requests
from shared.web.api import make_api
from shared.web.asgi import App
from shared.web.cors import readable_by
from shared.web.headers import OPEN, defaults
from shared.web.observed import observed
from shared.web.openapi import Described

SITE = "https://example.vn"


class Wanted(BaseModel):
    model_config = ConfigDict(extra="forbid")
    limit: int = 1


def app(*origins: str) -> App:
    one = make_api("test", "test", Described())

    @one.get("/listing")
    async def listing(wanted: Annotated[Wanted, Query()]) -> int:
        return wanted.limit

    return readable_by(observed(one, Requests(new_registry()), OPEN), origins)


def client(*origins: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app(*origins)), base_url="http://test")


@pytest.mark.parametrize("path", ["/listing?limit=200", "/listing?limit=x", "/nowhere"])
async def test_head_says_what_get_says_without_the_body(path: str) -> None:
    async with client() as http:
        got, head = await http.get(path), await http.head(path)
    assert (head.status_code, head.content) == (got.status_code, b"")
    assert head.headers["content-length"] == str(len(got.content))
    assert head.headers.keys() == got.headers.keys()
    assert head.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert head.headers["cross-origin-resource-policy"] == "cross-origin"


async def test_a_method_that_is_not_there_is_told_those_that_are() -> None:
    async with client() as http:
        answer = await http.post("/listing")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("limit=1&limit=2", "limit"),
        ("limit=1&limit=1", "limit"),
        ("%6cimit=1&limit=", "limit"),
        ("x=1&x=2", "x"),
    ],
)
async def test_a_parameter_that_is_given_twice_is_named(query: str, named: str) -> None:
    async with client() as http:
        answer = await http.get(f"/listing?{query}")
    assert (answer.status_code, answer.json()["errors"]) == (
        422,
        [{"path": named, "message": "is given twice"}],
    )


async def test_scripts_of_a_listed_site_may_read_and_no_others() -> None:
    async with client(SITE) as http:
        listed = await http.get("/listing", headers={"origin": SITE})
        other = await http.get("/listing", headers={"origin": "https://evil.vn"})
        none = await http.get("/listing")
        asked = {"origin": SITE, "access-control-request-method": "GET"}
        preflight = await http.options("/listing", headers=asked)
        refused = await http.options("/listing", headers=asked | {"origin": "https://evil.vn"})
    assert listed.headers["access-control-allow-origin"] == SITE
    assert {answer.headers["vary"] for answer in (listed, other, none, preflight, refused)} == {
        "Origin"
    }
    assert "access-control-allow-origin" not in other.headers
    assert (preflight.status_code, preflight.headers["access-control-allow-methods"]) == (
        204,
        "GET, HEAD",
    )
    assert "access-control-allow-origin" not in refused.headers
    shown = "etag, retry-after, x-correlation-id"
    assert listed.headers["access-control-expose-headers"] == shown
    assert "access-control-expose-headers" not in other.headers
    allowed = preflight.headers["access-control-allow-headers"]
    assert allowed == "accept, if-none-match, last-event-id, x-correlation-id"
    assert not [name for name in preflight.headers if "credentials" in name]


async def test_every_site_or_none() -> None:
    async with client("*") as http:
        assert (await http.get("/listing", headers={"origin": SITE})).headers[
            "access-control-allow-origin"
        ] == "*"
    async with client() as http:
        answer = await http.get("/listing", headers={"origin": SITE})
    assert not {"vary", "access-control-allow-origin"} & answer.headers.keys()


@pytest.mark.parametrize(
    "origins",
    [
        "example.vn",
        "null",
        "ftp://example.vn",
        "https://",
        "https://*.example.vn",
        "https://h:99999",
    ],
)
def test_an_origin_that_is_none_is_refused_at_the_start(origins: str) -> None:
    with pytest.raises(ValidationError, match="is no origin"):
        StatsSettings(amqp_url="amqp://h", mongo_url="mongodb://h/d", cors_origins=origins)  # type: ignore[arg-type]


def test_an_origin_is_written_as_browsers_send_it() -> None:
    origins = "HTTPS://Example.vn:443/, https://tờbáo.vn, *"
    settings = StatsSettings(amqp_url="amqp://h", mongo_url="mongodb://h/d", cors_origins=origins)  # type: ignore[arg-type]
    assert settings.cors_origins == ("https://example.vn", "https://xn--tbo-fla2949a.vn", "*")


def test_https_alone_is_a_setting() -> None:
    assert "strict-transport-security" not in dict(defaults(0))
    assert dict(defaults(3600))["strict-transport-security"] == "max-age=3600"


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("00123", '="00123"'),
        ("1e5", '="1e5"'),
        ("may1", '="may1"'),
        ("1dec26", '="1dec26"'),
        ("true", '="true"'),
        ("12am", '="12am"'),
        ("3pm", '="3pm"'),
    ],
)
def test_an_id_that_looks_like_a_number_stays_text(given: str, written: str) -> None:
    assert cell(given) == written


@pytest.mark.parametrize("given", ["ls0001", "a1", "e5", "1x5"])
def test_an_id_that_can_be_nothing_else_is_left_alone(given: str) -> None:
    assert cell(given) == given


@pytest.mark.parametrize("title", ["=1+1", "+1", "-1", "@a", "\t=1", "\r=1", "  =1", "＝1"])
def test_a_title_is_no_formula(title: str) -> None:
    assert cell(title) == f"'{title}"


@pytest.mark.parametrize(
    "title", ["30/4", "2/9", "12-5", "00123", "1e5", "3.500", "7:30", "7 am", "50%"]
)
def test_a_title_that_looks_like_a_number_or_date_stays_text(title: str) -> None:
    assert cell(title) == f'="{title}"'
    assert cell(f"Ngày {title}") == f"Ngày {title}"


def test_a_time_is_a_time_on_its_own_clock() -> None:
    assert local_time("2026-11-23T07:00:00+07:00") == "2026-11-23 07:00:00"
