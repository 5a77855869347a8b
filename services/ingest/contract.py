"""The routes of the contract with subscribers, as committed in docs/events:
schemas, AsyncAPI document and HTML page. Thin handlers.
"""

import pathlib
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response

from shared.base.errors import Problem
from shared.web.openapi import answered, problems

FOLDER = pathlib.Path(__file__).parents[2] / "docs" / "events"

_CACHED = {"cache-control": "public, max-age=300"}
_PAGE = {"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'"}
"""The page has no script and loads no other file."""


@dataclass(frozen=True)
class Documents:
    """The files of the contract; `schemas` by file name."""

    page: bytes
    asyncapi: bytes
    schemas: dict[str, bytes]


def read_documents(folder: pathlib.Path = FOLDER) -> Documents:
    """The files of `folder`. Raises OSError if one is missing."""
    return Documents(
        page=(folder / "index.html").read_bytes(),
        asyncapi=(folder / "asyncapi.json").read_bytes(),
        schemas={path.name: path.read_bytes() for path in (folder / "schemas").iterdir()},
    )


async def _documents(request: Request) -> Documents:
    held: Documents = request.app.state.documents
    return held


HeldDocuments = Annotated[Documents, Depends(_documents)]
routes = APIRouter(tags=["events"])


@routes.get(
    "/events/",
    response_class=Response,
    responses=answered(200, "The page.", content={"text/html": {"schema": {"type": "string"}}}),
)
async def get_events_page(documents: HeldDocuments) -> Response:
    """The events that subscribers receive, as a page for people."""
    return Response(documents.page, headers=_CACHED | _PAGE, media_type="text/html")


@routes.get("/events/asyncapi.json", responses=answered(200, "The document."))
async def get_events_document(documents: HeldDocuments) -> Response:
    """The events that subscribers receive, as an AsyncAPI 3 document."""
    return Response(documents.asyncapi, headers=_CACHED, media_type="application/json")


@routes.get(
    "/schemas/{name}",
    response_class=Response,
    responses=answered(
        200, "The schema.", content={"application/schema+json": {"schema": {"type": "object"}}}
    )
    | problems(also={404: "There is no such schema; `/events/` lists them."}),
)
async def get_schema(
    documents: HeldDocuments,
    name: Annotated[
        str, Path(description="the schema's file name", examples=["article.published.v1.json"])
    ],
) -> Response:
    """The JSON Schema of an event:
    `<event>.v<version>.json` of its `data`, `….event.json` of the whole event.
    """
    if name not in documents.schemas:
        raise Problem(404, "there is no such schema; /events/ lists them")
    return Response(documents.schemas[name], headers=_CACHED, media_type="application/schema+json")
