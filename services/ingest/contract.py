"""Serves the contract with subscribers as committed in docs/events:
schemas, AsyncAPI document and HTML page.
"""

import pathlib
from typing import Annotated

from fastapi import FastAPI, Path, Response

from shared.base.errors import Problem
from shared.web.openapi import answered, problems

FOLDER = pathlib.Path(__file__).parents[2] / "docs" / "events"

_CACHED = {"cache-control": "public, max-age=300"}
_PAGE = {"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'"}
"""The page has no script and loads no other file."""


def add_contract(api: FastAPI, folder: pathlib.Path = FOLDER) -> None:
    """Serve the files of `folder`, which are read once, here. Raises OSError if one is missing."""
    page, document = (folder / "index.html").read_bytes(), (folder / "asyncapi.json").read_bytes()
    schemas = {path.name: path.read_bytes() for path in (folder / "schemas").iterdir()}

    @api.get(
        "/events/",
        tags=["events"],
        response_class=Response,
        responses=answered(200, "The page.", content={"text/html": {"schema": {"type": "string"}}}),
    )
    async def get_events_page() -> Response:
        """The events that subscribers receive, as a page for people."""
        return Response(page, headers=_CACHED | _PAGE, media_type="text/html")

    @api.get("/events/asyncapi.json", tags=["events"], responses=answered(200, "The document."))
    async def get_events_document() -> Response:
        """The events that subscribers receive, as an AsyncAPI 3 document."""
        return Response(document, headers=_CACHED, media_type="application/json")

    @api.get(
        "/schemas/{name}",
        tags=["events"],
        response_class=Response,
        responses=answered(
            200, "The schema.", content={"application/schema+json": {"schema": {"type": "object"}}}
        )
        | problems(also={404: "There is no such schema; `/events/` lists them."}),
    )
    async def get_schema(
        name: Annotated[
            str, Path(description="the schema's file name", examples=["article.published.v1.json"])
        ],
    ) -> Response:
        """The JSON Schema of an event:
        `<event>.v<version>.json` of its `data`, `….event.json` of the whole event.
        """
        if name not in schemas:
            raise Problem(404, "there is no such schema; /events/ lists them")
        return Response(schemas[name], headers=_CACHED, media_type="application/schema+json")
