"""A question to stats, and what is compared of its answer."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from tests.oracle.figures import Figures

Told = dict[str, Any]
"""Figures by name. Numbers, None for what is not known; of a list `(article, reads)`."""
Rows = list[dict[str, str]]


@dataclass(frozen=True)
class Question:
    """One request. `expected` computes what must be answered at a moment, `found` reads the same
    from a JSON answer, `rows` from a table.
    """

    family: str
    """PERIODS and so on: what the shares are told of."""
    endpoint: str
    path: str
    expected: Callable[[Figures, datetime], Told]
    found: Callable[[Any], Told]
    parameters: Mapping[str, str] = field(default_factory=dict)
    rows: Callable[[Rows], Told] | None = None
    form: str = "json"

    @property
    def url(self) -> str:
        """The path with its parameters."""
        asked = dict(self.parameters) | ({"format": self.form} if self.form != "json" else {})
        return f"{self.path}?{urlencode(asked)}" if asked else self.path

    def told(self, text: str) -> Told:
        """The figures of an answer's body."""
        if self.form == "json":
            return self.found(json.loads(text))
        assert self.rows is not None
        return self.rows(list(read_table(text, self.form)))


def read_table(text: str, form: str) -> Iterator[dict[str, str]]:
    """The rows of a CSV or NDJSON, by column, as text; what is not known is empty."""
    if form == "ndjson":
        for line in text.splitlines():
            row = json.loads(line)
            yield {name: "" if cell is None else str(cell) for name, cell in row.items()}
        return
    assert text.startswith("\ufeff")
    for row in csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")):
        yield {name: plain(cell) for name, cell in row.items()}


def plain(cell: str) -> str:
    """A cell's text, without what keeps a spreadsheet from changing it."""
    return cell[2:-1] if cell.startswith('="') and cell.endswith('"') else cell


def number(cell: str) -> int | None:
    """A cell's number; None if it is empty."""
    return int(cell) if cell else None


def moment(text: str | None) -> datetime | None:
    """A time as text, such as RFC 3339."""
    return None if text is None else datetime.fromisoformat(text)
