"""Tables as CSV (RFC 4180, UTF-8), and the choice between CSV and JSON. Pure."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from unicodedata import normalize

MAX_ACCEPTED = 50
"""Upper bound for the entries of an Accept header that are read: a header has up to 32 KiB."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""First characters with which a spreadsheet may run a cell as a formula."""


_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july", "august", "september"),
    *("october", "november", "december"),
)
_ENGLISH = "|".join(name[:end] for name in _MONTHS for end in range(len(name), 2, -1))
_VIETNAMESE = (
    r"(?:tháng|thang|thg)[ .]?"
    r"(?:[0-9]{1,2}|mười(?: một| hai)?|giêng|một|hai|ba|tư|bốn|năm|sáu|bảy|tám|chín|chạp)"
)
_BETWEEN = "[ ,./-]{0,3}"
_LIKE_VALUE = re.compile(
    r"[$€£¥₫(.,]{0,3}[0-9][0-9 .,/:%()-]*(?:[de][0-9]+| ?[ap]m?| ?[$€£¥₫])?"
    r"|true|false|đúng|sai"
    r"|(?=.*[0-9])(?:ngày )?[0-9]{0,4}"
    + _BETWEEN
    + f"(?:{_ENGLISH}|{_VIETNAMESE})"
    + _BETWEEN
    # the rest of the date, and a time
    + r"(?:năm )?[0-9]{0,4}"
    + _BETWEEN
    + r"[0-9]{0,4}[ ,]{0,2}[0-9:]{0,8}(?: ?[ap]m?)?",
    re.IGNORECASE,
)
"""What a spreadsheet reads as a number, an amount, a date, a time or a truth value, in English or
in Vietnamese. A month alone stays text, so a date must have a digit."""


class PlainCell(str):
    """A cell that is written unchanged."""

    __slots__ = ()


def cell(value: str | float | None) -> str | float:
    """A cell that a spreadsheet keeps as text. None, which is "not known", is an empty one.

    A text that looks like a formula gets an apostrophe in front. One that looks like a value, such
    as the title `30/4` or the ids `00123`, `1e5` and `may1`, becomes a formula with only that text,
    because LibreOffice would show an apostrophe.
    """
    if value is None:
        return ""
    if isinstance(value, PlainCell | int | float):
        return value
    if _LIKE_VALUE.fullmatch(normalize("NFC", value).strip()):
        return PlainCell(f'="{value}"')
    return f"'{value}" if value.lstrip(" ").startswith(_FORMULA) else value


def local_time(moment: str) -> str:
    """An RFC 3339 time in a form for spreadsheets, as local time of its offset:
    `2026-11-23 07:00:00`.
    """
    return PlainCell(datetime.fromisoformat(moment).strftime("%Y-%m-%d %H:%M:%S"))


def to_csv(head: Sequence[str], rows: Iterable[Sequence[str | float | None]]) -> bytes:
    """A header line and the rows, as CSV.
    Pass times through `local_time` first.
    """
    text = io.StringIO()
    text.write("\ufeff")  # without a byte order mark Excel reads the file in another encoding
    writer = csv.writer(text)
    writer.writerow(head)
    writer.writerows([cell(value) for value in row] for row in rows)
    return text.getvalue().encode("utf-8", "replace")


JSON, CSV, NDJSON = "json", "csv", "ndjson"
"""The forms of answers: the values of the parameter `format`."""
MEDIA_TYPES = {JSON: "application/json", CSV: "text/csv", NDJSON: "application/x-ndjson"}


def chosen_form(chosen: str | None, accept: str, forms: Sequence[str]) -> str:
    """The form of an answer, one of `forms`: `chosen` by `?format=`, or else what the Accept header
    prefers. The first of `forms` is the default: another one must be named, with a weight above 0
    and not below the default's.
    """
    if chosen:
        return chosen
    weights = dict(_weights(accept))
    default, *others = forms
    media = MEDIA_TYPES[default]
    every = weights.get(f"{media.partition('/')[0]}/*", weights.get("*/*", 0.0))
    best, weight = default, weights.get(media, every)
    for form in others:
        named = weights.get(MEDIA_TYPES[form], 0.0)
        if named > 0 and (named > weight or (named == weight and best == default)):
            best, weight = form, named
    return best


def wants_csv(chosen: str | None, accept: str) -> bool:
    """True for `?format=csv`, or without a format if the Accept header prefers text/csv to JSON."""
    return chosen_form(chosen, accept, (JSON, CSV)) == CSV


def _weights(accept: str) -> Iterable[tuple[str, float]]:
    for part in accept.lower().split(",", MAX_ACCEPTED)[:MAX_ACCEPTED]:
        name, *parameters = (piece.strip() for piece in part.split(";"))
        weight = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    weight = float(parameter[2:])
                except ValueError:
                    weight = 0.0
        yield name, weight if 0 <= weight <= 1 else 0.0
