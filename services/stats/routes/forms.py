"""What the routes share: the reports that they read, and the forms of their answers."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from services.stats.reports import Reports
from services.stats.tables import to_csv, wants_csv

_TAGGED = {
    "ETag": {"description": "a tag of the answer", "schema": {"type": "string"}},
    "Cache-Control": {
        "description": "how long the answer may be kept",
        "schema": {"type": "string"},
    },
}
_VARY = {"Vary": {"description": "Accept", "schema": {"type": "string"}}}
TABLE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "JSON, or a table as CSV (RFC 4180) with a header line.",
        "headers": _TAGGED | _VARY,
        "content": {"text/csv": {"schema": {"type": "string"}}},
    },
    304: {"description": "The client has this answer: `If-None-Match` names its tag."},
}
"""The responses of a route that answers JSON or CSV."""
ANSWER: dict[int | str, dict[str, Any]] = {200: {"headers": _TAGGED}, 304: TABLE[304]}
"""The responses of a route that answers JSON alone."""
NO_SUCH_ARTICLE = {404: "No article with this id was ever published."}
NO_SUCH_SECTION = {404: "No article is in this section."}


async def _reports(request: Request) -> Reports:
    held: Reports = request.app.state.reports
    return held


async def _negotiated(response: Response) -> None:
    response.headers["vary"] = "Accept"


HeldReports = Annotated[Reports, Depends(_reports)]
NEGOTIATED = [Depends(_negotiated)]
"""The dependencies of a route whose answer depends on the Accept header."""


def stats_routes() -> APIRouter:
    """A router for the routes of one module."""
    return APIRouter(prefix="/stats", tags=["statistics"])


def wants_table(request: Request, chosen: str | None) -> bool:
    """True if the client wants CSV; `chosen` is its parameter `format`."""
    return wants_csv(chosen, request.headers.get("accept", ""))


def table(name: str, head: Sequence[str], rows: Iterable[Sequence[str | float | None]]) -> Response:
    """A table as CSV, with the file name `luotdoc-<name>.csv`. `head` and `rows`: see `to_csv`."""
    disposition = f'attachment; filename="luotdoc-{name}.csv"'
    return Response(
        to_csv(head, rows),
        media_type="text/csv",
        headers={"content-disposition": disposition, "vary": "Accept"},
    )
