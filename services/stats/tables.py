"""Tables as CSV (RFC 4180, UTF-8), and when a client wants one. Pure."""

import csv
import io
from collections.abc import Iterable, Sequence

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""How a cell starts that a spreadsheet may run as a formula."""


def cell(value: str | int) -> str | int:
    """A text that a spreadsheet would take for a formula gets an apostrophe in front."""
    return f"'{value}" if isinstance(value, str) and value.lstrip(" ").startswith(_FORMULA) else value


def to_csv(head: Sequence[str], rows: Iterable[Sequence[str | int]]) -> bytes:
    """A header line and the rows."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(head)
    writer.writerows([cell(value) for value in row] for row in rows)
    return text.getvalue().encode("utf-8", "replace")


def wants_csv(asked: str | None, accept: str) -> bool:
    """True for `?format=csv`; without a format, when the Accept header puts text/csv above JSON."""
    if asked:
        return asked == "csv"
    weights = dict(_weights(accept))
    rest = weights.get("*/*", 0.0)
    json = weights.get("application/json", weights.get("application/*", rest))
    return weights.get("text/csv", 0.0) > 0 and weights["text/csv"] >= json


def _weights(accept: str) -> Iterable[tuple[str, float]]:
    for part in accept.lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        weight = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    weight = float(parameter[2:])
                except ValueError:
                    weight = 0.0
        yield name, weight
