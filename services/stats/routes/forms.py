"""What the routes share: the reports that they read, and the forms of their answers."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from services.stats.exporting.exports import Exports, ExportTable
from services.stats.exporting.places import EXPORTS_AT_ONCE
from services.stats.reports import Reports
from services.stats.tables import CSV, MEDIA_TYPES, NDJSON, to_csv, wants_csv
from services.stats.traffic.export import NDJSON_TYPE, csv_chunks, ndjson_chunks
from shared.web.streamed import StreamedAnswer

_TAGGED = {
    "ETag": {
        "description": "a weak tag of the answer; one of JSON does not depend on `as_of`",
        "schema": {"type": "string"},
    },
    "Cache-Control": {
        "description": "how long the answer may be kept",
        "schema": {"type": "string"},
    },
}
_NEGOTIATED = {
    "Vary": {"description": "Accept", "schema": {"type": "string"}},
    "Content-Disposition": {
        "description": "the name of the file, of CSV and NDJSON",
        "schema": {"type": "string"},
    },
}
TABLE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "JSON, or a table as CSV (RFC 4180) with a header line.",
        "headers": _TAGGED | _NEGOTIATED,
        "content": {"text/csv": {"schema": {"type": "string"}}},
    },
    304: {"description": "The client has this answer: `If-None-Match` names its tag."},
}
"""The responses of a route that answers JSON or CSV."""
ANSWER: dict[int | str, dict[str, Any]] = {200: {"headers": _TAGGED}, 304: TABLE[304]}
"""The responses of a route that answers JSON alone."""
ROWS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Rows as CSV (RFC 4180) with a header line, or as NDJSON: an object a line. "
        "They are sent while they are made, without an `ETag` if they are many; an answer that "
        "ends without its last chunk is not complete.",
        "headers": _TAGGED | _NEGOTIATED,
        "content": {
            each: {"schema": {"type": "string"}} for each in (MEDIA_TYPES[CSV], MEDIA_TYPES[NDJSON])
        },
    },
    304: TABLE[304],
}
"""The responses of a route that answers rows alone."""
SERIES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "JSON, or rows as CSV (RFC 4180) with a header line, or as NDJSON: an "
        "object a line. Many rows are sent while they are made, without an `ETag`; an answer that "
        "ends without its last chunk is not complete.",
        "headers": _TAGGED | _NEGOTIATED,
        "content": ROWS[200]["content"],
    },
    304: TABLE[304],
}
"""The responses of a route that answers JSON or rows."""
_OR_AWAY = (
    "or the service is starting, stopping or overloaded, or MongoDB or RabbitMQ is away. Try again "
    "after `Retry-After`."
)
TOO_MANY_EXPORTS = {503: f"{EXPORTS_AT_ONCE} exports run already, {_OR_AWAY}"}
TOO_MANY_ASK = {503: f"Too many ask for such figures at once, {_OR_AWAY}"}
BEING_PREPARED = {503: f"The figures are being prepared, {_OR_AWAY}"}
TOO_MANY_OR_PREPARED = {
    503: f"The figures are being prepared, or too many ask for such figures at once, {_OR_AWAY}"
}
SERIES_NOT_NOW = {
    503: "The figures are being prepared, or too many ask for such figures at once, or "
    f"{EXPORTS_AT_ONCE} exports run already, {_OR_AWAY}"
}
NO_SUCH_ARTICLE = {404: "No article with this id was ever published."}
NO_SUCH_SECTION = {404: "No article is in this section."}


async def _reports(request: Request) -> Reports:
    held: Reports = request.app.state.reports
    return held


async def _exports(request: Request) -> Exports:
    held: Exports = request.app.state.exports
    return held


async def _negotiated(response: Response) -> None:
    response.headers["vary"] = "Accept"


HeldReports = Annotated[Reports, Depends(_reports)]
HeldExports = Annotated[Exports, Depends(_exports)]
NEGOTIATED = [Depends(_negotiated)]
"""The dependencies of a route whose answer depends on the Accept header."""


def stats_routes() -> APIRouter:
    """A router for the routes of one module."""
    return APIRouter(prefix="/stats", tags=["statistics"])


def wants_table(request: Request, chosen: str | None) -> bool:
    """True if the client wants CSV; `chosen` is its parameter `format`."""
    return wants_csv(chosen, request.headers.get("accept", ""))


class CsvAnswer(Response):
    """The class of a route whose answer is CSV unless the client wants another form."""

    media_type = MEDIA_TYPES[CSV]


def streamed(table: ExportTable, form: str) -> Response:
    """A table on its way as CSV or NDJSON, with the file name `luotdoc-<name>.<form>`. HEAD of a
    long one has its headers at once.
    """
    write, media_type = (
        (ndjson_chunks, NDJSON_TYPE) if form == NDJSON else (csv_chunks, MEDIA_TYPES[CSV])
    )
    return StreamedAnswer(
        write(table.columns, table.rows),
        media_type,
        {
            "content-disposition": f'attachment; filename="luotdoc-{table.name}.{form}"',
            "vary": "Accept",
        },
        head_at_once=table.is_long,
    )


def table(name: str, head: Sequence[str], rows: Iterable[Sequence[str | float | None]]) -> Response:
    """A table as CSV, with the file name `luotdoc-<name>.csv`. `head` and `rows`: see `to_csv`."""
    disposition = f'attachment; filename="luotdoc-{name}.csv"'
    return Response(
        to_csv(head, rows),
        media_type="text/csv",
        headers={"content-disposition": disposition, "vary": "Accept"},
    )
