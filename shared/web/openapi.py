"""Builds the OpenAPI documents of ingest and stats, and holds what their routes have in common.

FastAPI describes its own routes. A raw ASGI route is described by OpenAPI path items, written in a
module next to the code that answers it. `document` joins both.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import orjson
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import models_json_schema

from shared.web.problems import PROBLEM_TYPE

Responses = dict[int | str, dict[str, Any]]
_SCHEMAS = "#/components/schemas/"

MEANINGS = {
    401: "The token is missing or unknown.",
    403: "The token lacks the scope that this operation needs.",
    404: "There is no such thing.",
    409: "The request conflicts with an earlier one.",
    412: "The precondition in `If-Match` or `If-None-Match` is not met.",
    413: "The body is larger than the limit; the connection is closed.",
    415: (
        "The `Content-Type` names a format that this operation does not take, or the body is "
        "compressed."
    ),
    422: "The request is not valid; `errors` names the parameters and fields at fault.",
    429: "Too many requests from this client; `Retry-After` says when to try again.",
    431: "The request's headers are too large.",
    503: "The service is starting, stopping or overloaded, or MongoDB or RabbitMQ is away. Try "
    "again after `Retry-After`.",
}
RETRY_AFTER = {
    "Retry-After": {"description": "seconds to wait", "schema": {"type": "integer", "minimum": 0}}
}
CHALLENGE_HEADER = {"WWW-Authenticate": {"description": "the scheme", "schema": {"type": "string"}}}
_HEADERS = {401: CHALLENGE_HEADER, 429: RETRY_AFTER, 503: RETRY_AFTER}


class FieldFault(BaseModel):
    """One fault of a request."""

    path: str = Field(
        description="the parameter, header or field at fault; nested fields are joined by dots"
    )
    message: str = Field(description="what the value must be")


class ProblemDocument(BaseModel):
    """An error answer (RFC 9457)."""

    model_config = ConfigDict(
        title="Problem",
        json_schema_extra={
            "examples": [
                {
                    "type": "about:blank",
                    "title": "Unprocessable Content",
                    "status": 422,
                    "detail": "the request is not valid",
                    "errors": [{"path": "title", "message": "must not be blank"}],
                }
            ]
        },
    )
    type: str = Field(description="always about:blank: the status is the kind of error")
    title: str = Field(description="the status in words")
    status: int = Field(ge=400, le=599, description="the HTTP status")
    detail: str = Field(description="explanation for people")
    errors: list[FieldFault] = Field(
        default=[], description="each fault of a request that is not valid, at most 20"
    )


@dataclass(frozen=True)
class Described:
    """Parts of a document that FastAPI can't see:
    path items of raw routes, and models that they refer to by name.
    """

    paths: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: MappingProxyType({}))
    models: Sequence[type[BaseModel]] = ()


def ref(model: type[BaseModel]) -> dict[str, str]:
    """A reference to the component that describes `model`."""
    return {"$ref": f"{_SCHEMAS}{'Problem' if model is ProblemDocument else model.__name__}"}


def body(
    model: type[BaseModel], *, examples: Mapping[str, Any], description: str
) -> dict[str, Any]:
    """`openapi_extra` for a route that parses its JSON body itself.
    `examples` holds bodies by name.
    """
    content = {
        "schema": ref(model),
        "examples": {name: {"value": value} for name, value in examples.items()},
    }
    return {
        "requestBody": {
            "required": True,
            "description": description,
            "content": {"application/json": content},
        }
    }


def answered(status: int, description: str, **more: Any) -> Responses:
    """The OpenAPI response for a request that succeeds."""
    return {status: {"description": description, **more}}


def problems(*statuses: int, also: Mapping[int, str] = MappingProxyType({})) -> Responses:
    """The OpenAPI responses for a route's errors.
    `also` replaces the general meaning of a status for this route.
    """
    told = {**{status: MEANINGS[status] for status in statuses}, **also}
    return {
        status: {
            "description": meaning,
            "content": {PROBLEM_TYPE: {"schema": ref(ProblemDocument)}},
            **({"headers": _HEADERS[status]} if status in _HEADERS else {}),
        }
        for status, meaning in sorted(told.items())
    }


def text_header(description: str, **schema: Any) -> dict[str, Any]:
    """A response header that is always present."""
    return {"description": description, "required": True, "schema": {"type": "string", **schema}}


def as_text(responses: Responses) -> dict[str, dict[str, Any]]:
    """Responses in the form of a path item: sorted, with the status as text."""
    return dict(sorted((str(status), said) for status, said in responses.items()))


def openapi_document(
    api: FastAPI, described: Described, everywhere: Iterable[int] = (431, 503)
) -> dict[str, Any]:
    """The OpenAPI document of `api`.
    `everywhere` lists statuses that every FastAPI route may answer.
    """
    made = get_openapi(
        title=api.title, version=api.version, description=api.description, routes=api.routes
    )
    common = as_text(problems(*everywhere))
    for operation in (each for item in made["paths"].values() for each in item.values()):
        answers = {
            code: said for code, said in operation["responses"].items() if _UNUSED not in str(said)
        }
        operation["responses"] = dict(sorted({**common, **answers}.items()))
        for parameter in operation.get("parameters", ()):
            parameter["schema"] = _given(parameter["schema"])
    made["paths"] = dict(sorted({**made["paths"], **described.paths}.items()))
    schemas = made.setdefault("components", {}).setdefault("schemas", {})
    models: list[type[BaseModel]] = [*described.models, ProblemDocument]
    _, found = models_json_schema(
        [(each, "validation") for each in models], ref_template=_SCHEMAS + "{model}"
    )
    schemas |= found["$defs"]
    schemas["Problem"] = schemas.pop("ProblemDocument")
    unused = {_UNUSED, "ValidationError"}
    made["components"]["schemas"] = {
        name: _untitled(schemas[name]) for name in sorted(schemas.keys() - unused)
    }
    return made


def as_committed(made: dict[str, Any]) -> bytes:
    """The document as the bytes of its file in docs/openapi."""
    return orjson.dumps(made, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


_UNUSED = "HTTPValidationError"
"""Name of FastAPI's own validation error.
It is left out, because our services answer problem documents."""


def _given(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter's schema without null: an optional parameter is left out, never null."""
    alternatives = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    rest = {key: value for key, value in schema.items() if key not in {"anyOf", "title"}}
    return {**alternatives[0], **rest} if len(alternatives) == 1 else rest


def _untitled(schema: dict[str, Any]) -> dict[str, Any]:
    """`schema` without titles of its fields.
    They repeat the name, and generated clients make type names of them.
    """
    properties = {
        name: {key: value for key, value in held.items() if key != "title"}
        for name, held in schema.get("properties", {}).items()
    }
    return {**schema, "properties": properties} if properties else schema
