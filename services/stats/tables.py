"""Tables as CSV (RFC 4180, UTF-8), and when a client wants one. Pure."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from datetime import datetime

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""How a cell starts that a spreadsheet may run as a formula."""


_LIKE_NUMBER = re.compile(
    r"[0-9]+|[0-9]+[de][0-9]+|[0-9]+[ap]m?|true|false"
    r"|[0-9]*(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*[0-9]*"
)
_LIKE_VALUE = re.compile(r"[0-9][0-9 .,/:%()-]*(e[0-9]+| ?[ap]m?)?", re.IGNORECASE)


class Text(str):
    """A cell that is written as it is."""

    __slots__ = ()


def cell(value: str | int) -> str | int:
    """A text that a spreadsheet would take for a formula gets an apostrophe in front.

    One that it would take for a number, a date or a time, such as the title `30/4`, is a formula of the text alone.
    """
    if isinstance(value, Text | int):
        return value
    if _LIKE_VALUE.fullmatch(value):
        return Text(f'="{value}"')
    return f"'{value}" if value.lstrip(" ").startswith(_FORMULA) else value


def article_cell(article: str) -> str:
    """An article's id that a spreadsheet keeps as text: `00123`, `1e5` and `may1` would become numbers and dates.

    A formula that is nothing but the text; tried with LibreOffice, where an apostrophe would be shown.
    """
    return Text(f'="{article}"') if _LIKE_NUMBER.fullmatch(article) else article


def local_time(moment: str) -> str:
    """An RFC 3339 time as spreadsheets read it, on the clock of its own offset: `2026-11-23 07:00:00`."""
    return Text(datetime.fromisoformat(moment).strftime("%Y-%m-%d %H:%M:%S"))


def to_csv(head: Sequence[str], rows: Iterable[Sequence[str | int]]) -> bytes:
    """A header line and the rows. An article's id goes through `article_cell`, a time through `local_time`."""
    text = io.StringIO()
    text.write("\ufeff")  # without it Excel takes the file for one of an older encoding
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
