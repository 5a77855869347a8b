"""The OpenAPI documents: as committed, whole, and fit for generated clients."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

import services.ingest.api
import services.stats.api
from shared.web.openapi import as_committed
from tests.support.system import ROOT

APIS = {"ingest": services.ingest.api.describe_api(), "stats": services.stats.api.describe_api()}
RAW = {
    "ingest": {"/reads", "/reads.gif", "/livez", "/readyz", "/metrics"},
    "stats": {"/state", "/stats/live", "/livez", "/readyz", "/metrics"},
}
"""Routes that FastAPI does not know."""

DOCS = ("/docs", "/docs/{name}", "/openapi.json")
PAGES = {
    *("/stats", "/stats/", "/stats/articles/{id}/"),
    *("/stats/static/{name}", "/stats/tables/{name}"),
}
"""Pages for people, the files that they load, and their tables."""

each = pytest.mark.parametrize(("name", "api"), APIS.items(), ids=APIS.keys())


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", operation


@each
def test_the_committed_document_is_what_the_routes_say(name: str, api: FastAPI) -> None:
    committed = (ROOT / f"docs/openapi/{name}.json").read_bytes()
    assert committed == as_committed(api.openapi()), "`make contract` writes it"


@each
def test_every_route_is_told(name: str, api: FastAPI) -> None:
    hidden = {f"{under}{path}" for under in ("", "/stats") for path in DOCS} | PAGES
    routes = {route.path for route in iter_route_contexts(api.routes)} - hidden
    assert api.openapi()["paths"].keys() == routes | RAW[name]


@each
def test_names_and_words_are_there_for_generators_and_readers(name: str, api: FastAPI) -> None:
    document = api.openapi()
    ids = [operation["operationId"] for _, operation in operations(document)]
    assert len(ids) == len(set(ids))
    for where, operation in operations(document):
        assert operation["operationId"].replace("_", "").isalpha(), where
        assert operation["summary"], where
        assert operation["tags"], where
        for parameter in operation.get("parameters", ()):
            assert parameter["schema"].get("type") in {"boolean", "integer", "string"}, (
                where,
                parameter,
            )
    for model, schema in document["components"]["schemas"].items():
        assert schema.get("description"), model


@each
def test_every_error_is_a_problem_document(name: str, api: FastAPI) -> None:
    for where, operation in operations(api.openapi()):
        for status, answer in operation["responses"].items():
            if status >= "400" and where != "GET /readyz":
                schema = answer["content"]["application/problem+json"]["schema"]
                assert schema == {"$ref": "#/components/schemas/Problem"}, (where, status)
            if status in {"429", "503"} and where != "GET /readyz":
                assert "Retry-After" in answer["headers"], (where, status)
            if status == "401":
                assert "WWW-Authenticate" in answer["headers"], where


def test_what_needs_a_token_says_so_and_with_which_scope() -> None:
    needed = {
        where: operation.get("security")
        for where, operation in operations(APIS["ingest"].openapi())
    }
    editor, sender, public = (
        [{"token": ["articles"]}],
        [{"token": ["reads"]}],
        [{"token": ["articles"]}, {}],
    )
    assert {where: security for where, security in needed.items() if security} == {
        "PUT /articles/{article_id}": editor,
        "POST /articles": editor,
        "DELETE /articles/{article_id}": editor,
        "PUT /media/{name}": editor,
        "POST /reads/batch": sender,
        "GET /articles": public,
        "GET /articles/{article_id}": public,
    }
    scheme = APIS["ingest"].openapi()["components"]["securitySchemes"]["token"]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    assert "`articles`" in scheme["description"]


def test_the_limits_stand_in_the_document() -> None:
    paths = orjson.loads((ROOT / "docs/openapi/ingest.json").read_bytes())["paths"]
    assert "3,145,728 bytes" in paths["/articles/{article_id}"]["put"]["requestBody"]["description"]
    assert "8,388,608 bytes" in paths["/media/{name}"]["put"]["requestBody"]["description"]
    assert "131,072 bytes" in paths["/reads/batch"]["post"]["requestBody"]["description"]
    assert "1,024 bytes" in paths["/reads"]["post"]["requestBody"]["description"]


@each
def test_what_can_be_revalidated_tells_its_tag_and_what_is_a_file_its_name(
    name: str, api: FastAPI
) -> None:
    for where, operation in operations(api.openapi()):
        answers = operation["responses"]
        if "304" in answers:
            assert {"ETag", "Cache-Control"} <= answers["200"]["headers"].keys(), where
        if "text/csv" in answers.get("200", {}).get("content", {}):
            assert {"Content-Disposition", "Vary"} <= answers["200"]["headers"].keys(), where


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/stats/articles/{id}", ["too many ask"]),
        ("/stats/top", ["too many ask", "being prepared"]),
        ("/stats/trending", ["being prepared"]),
        ("/stats/sections", ["being prepared"]),
        ("/stats/sections/{section}", ["being prepared"]),
        ("/stats/series", ["too many ask", "being prepared", "exports run"]),
        ("/stats/export", ["exports run"]),
    ],
)
def test_a_503_says_why(path: str, said: list[str]) -> None:
    meaning = APIS["stats"].openapi()["paths"][path]["get"]["responses"]["503"]["description"]
    assert all(each in meaning.lower() for each in [*said, "retry-after"])
