"""The lines on which the keys of a TOML document stand. Pure.

tomllib tells no line of a valid key. But a document is a sequence of statements: each is TOML on
its own, and no beginning of one is. So tomllib itself finds where each of them ends, and the same
way where each item of an array ends (ADR 0039).
"""

import tomllib
from collections.abc import Iterator
from typing import Any

TomlKey = tuple[str | int, ...]
"""Names of tables and keys, and places in arrays from 0."""

MOST_BYTES = 8 << 20
"""Bytes that are parsed for one document at most: an array of thousands of lines is parsed once for
each line. The lines of keys beyond that are not known."""


class TomlLines:
    """The lines of a document's keys. `text` must be valid TOML."""

    def __init__(self, text: str) -> None:
        self._lines: dict[TomlKey, int] = {(): 1}
        self._tables: dict[TomlKey, int] = {}
        """The number of tables so far of each array of tables."""
        self._left = MOST_BYTES
        table: TomlKey = ()
        for line, statement in self._statements(text.replace("\r\n", "\n").split("\n")):
            table = self._note_statement(table, line, statement)

    def of(self, key: TomlKey) -> int | None:
        """The line of `key`, or of the table that lacks it; None if it is not known."""
        while key not in self._lines:
            key = key[:-1]
        return self._lines[key] if key or self._left > 0 else None

    def _parse(self, text: str) -> dict[str, Any] | None:
        self._left -= len(text)
        try:
            return tomllib.loads(text) if self._left > 0 else None
        except tomllib.TOMLDecodeError:
            return None

    def _statements(self, lines: list[str]) -> Iterator[tuple[int, list[str]]]:
        """Each statement with its first line's number."""
        first = 0
        for at in range(len(lines)):
            if self._parse("\n".join(lines[first : at + 1])) is not None:
                yield first + 1, lines[first : at + 1]
                first = at + 1

    def _note_statement(self, table: TomlKey, line: int, statement: list[str]) -> TomlKey:
        """Note the keys of one statement, which stands in `table`. Returns the table of the next
        one.
        """
        text = "\n".join(statement)
        found = self._parse(text)
        if not found:
            return table
        if text.lstrip().startswith("["):
            return self._note_header(found, line)
        self._note_values(table, found, line, statement)
        return table

    def _note_header(self, found: Any, line: int) -> TomlKey:
        key: TomlKey = ()
        while found:
            if isinstance(found, list):  # the header of an array of tables
                self._tables[key] = self._tables.get(key, 0) + 1
                found = found[0]
            else:
                ((name, found),) = found.items()
                key = (*key, name)
            self._lines.setdefault(key, line)
            if key in self._tables and not isinstance(found, list):
                key = (*key, self._tables[key] - 1)
                self._lines.setdefault(key, line)
        return key

    def _note_values(self, key: TomlKey, found: Any, line: int, statement: list[str]) -> None:
        if key:
            self._lines.setdefault(key, line)
        if isinstance(found, dict):
            for name, value in found.items():
                self._note_values((*key, name), value, line, statement)
        elif isinstance(found, list):
            for at, begins in zip(range(len(found)), self._items(line, statement), strict=False):
                self._note_values((*key, at), found[at], begins, [])

    def _items(self, line: int, statement: list[str]) -> Iterator[int]:
        """The lines on which the items of the statement's array begin. All are on its first line
        if it has no others.
        """
        count, first = 0, 0
        for at in range(len(statement)):
            closed = "" if at == len(statement) - 1 else "\n]"
            ended = self._parse("\n".join(statement[: at + 1]) + closed)
            if ended is not None:
                here = range(first, at + 1)
                begins = next((n for n in here if _says_something(statement[n])), at)
                yield from [line + begins] * (_length(ended) - count)
                count, first = _length(ended), at + 1
        while True:
            yield line


def _length(found: Any) -> int:
    """The number of items of the array in a statement."""
    while isinstance(found, dict) and len(found) == 1:
        (found,) = found.values()
    return len(found) if isinstance(found, list) else 0


def _says_something(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")
