"""What breaks clients of the last release's OpenAPI document is refused, what adds to it is not."""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import orjson
import pytest

from shared.contract.__main__ import broken_http
from shared.contract.http_gate import http_breaks
from tests.support.system import ROOT

OLD: dict[str, Any] = orjson.loads((ROOT / "docs/openapi/ingest.json").read_bytes())
PUT, MEDIA = ("paths", "/articles/{article_id}", "put"), ("paths", "/media/{name}", "put")
INPUT, ANSWER = (
    ("components", "schemas", "ArticleInput"),
    ("components", "schemas", "ArticleAnswer"),
)


def changed(change: Callable[[Any], object], *place: str) -> list[str]:
    new = deepcopy(OLD)
    at: Any = new
    for part in place:
        at = at[part]
    change(at)
    return http_breaks(OLD, new)


def optional(parameter: str) -> dict[str, Any]:
    return {"name": parameter, "in": "query", "schema": {"type": "boolean"}}


@pytest.mark.parametrize(
    ("place", "change"),
    [
        ((), lambda at: None),
        (("paths",), lambda at: at.update({"/new": {"get": {}}})),
        (PUT, lambda at: at["parameters"].append(optional("strict"))),
        (PUT, lambda at: at["responses"].update({"428": {}})),
        (PUT, lambda at: at.update(summary="Other words")),
        (INPUT, lambda at: at["properties"].update(subtitle={"type": "string"})),
        (INPUT, lambda at: at["properties"]["title"].update(maxLength=500)),
        (INPUT, lambda at: at["properties"]["title"].pop("pattern")),
        (INPUT, lambda at: at["required"].remove("section")),
        (ANSWER, lambda at: at["properties"].update(warnings={"type": "array"})),
        (ANSWER, lambda at: at["required"].append("warnings")),
    ],
)
def test_what_adds_is_taken(place: tuple[str, ...], change: Callable[[Any], object]) -> None:
    assert changed(change, *place) == []


@pytest.mark.parametrize(
    ("place", "change", "said"),
    [
        (("paths",), lambda at: at.pop("/reads.gif"), "GET /reads.gif: the operation is gone"),
        (PUT, lambda at: at.update(operationId="x"), "its operation id was put_article, is now x"),
        (PUT, lambda at: at["parameters"].pop(), "If-None-Match: the parameter is gone"),
        (PUT, lambda at: at["parameters"].append(optional("a") | {"required": True}),
         "a: is now required"),
        (PUT, lambda at: at["responses"].pop("201"), "201: no longer answered"),
        (PUT, lambda at: at["responses"]["200"]["headers"].pop("ETag"),
         "200: the header ETag is gone"),
        (MEDIA, lambda at: at["requestBody"]["content"].pop("image/png"),
         "a body of image/png is no longer taken"),
        (INPUT, lambda at: at["required"].append("lead"), "body.lead: is now required"),
        (INPUT, lambda at: at["properties"].pop("tags"), "body.tags: the field is gone"),
        (INPUT, lambda at: at["properties"]["title"].update(maxLength=200),
         "body.title: its maxLength was 300"),
        (INPUT, lambda at: at["properties"]["lead"].update(pattern="^a$"),
         "body.lead: its pattern was"),
        (INPUT, lambda at: at["properties"]["title"].update(type="integer"),
         "body.title: its type was string"),
        (ANSWER, lambda at: at["required"].remove("url"), "url: may now be missing"),
        (ANSWER, lambda at: at["properties"].pop("lead"), "lead: the field is gone"),
        (ANSWER, lambda at: at["properties"]["state"]["enum"].append("new"),
         "state: its values were"),
    ],
)  # fmt: skip
def test_what_breaks_clients_is_named(
    place: tuple[str, ...], change: Callable[[Any], object], said: str
) -> None:
    assert any(said in reason for reason in changed(change, *place))


def test_an_operation_that_now_needs_a_token_breaks_strangers() -> None:
    found = changed(lambda at: at.update(security=[{"token": []}]), "paths", "/articles", "get")
    assert found == ["GET /articles: now needs a token"]


def test_documents_are_compared_with_those_that_a_release_kept(tmp_path: Path) -> None:
    kept = tmp_path / "released/1.0.0"
    kept.mkdir(parents=True)
    for folder in (tmp_path, kept):
        (folder / "ingest.json").write_bytes(orjson.dumps(OLD))
    assert broken_http(tmp_path, "1.0.0") == []
    new = deepcopy(OLD)
    del new["paths"]["/reads.gif"]
    (tmp_path / "ingest.json").write_bytes(orjson.dumps(new))
    assert broken_http(tmp_path, "1.0.0") == ["ingest: GET /reads.gif: the operation is gone"]
    (tmp_path / "ingest.json").unlink()
    assert broken_http(tmp_path, "1.0.0") == ["ingest.json: the document is gone"]
