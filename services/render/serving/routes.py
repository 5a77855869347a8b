"""The route table of render: what each path of the site is. Pure.

The first route whose pattern matches the whole path answers. A site with several languages has
those marked `localised` a second time under `/en/`, for each language but the first.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from services.render.serving.answers import Answer
from shared.web.asgi import Scope, query_values


@dataclass(frozen=True, slots=True)
class Asked:
    """A request for a page."""

    path: str
    """Decoded, without the language's prefix."""
    groups: tuple[str, ...]
    """What the groups of the route's pattern matched; empty where one took no part."""
    language: str
    """The language of the list: one of the site's."""
    prefix: str
    """The language's prefix of addresses: empty for the first language, else such as `/en`."""
    scope: Scope

    def one(self, name: str) -> str | None:
        """The value of a query parameter that is given once; None if it is absent or repeated."""
        values = query_values(self.scope, name)
        return values[0] if len(values) == 1 else None

    def has(self, name: str) -> bool:
        """Whether a query parameter is given."""
        return bool(query_values(self.scope, name))

    @property
    def query(self) -> str:
        """The query as it was sent, with its question mark; empty without one."""
        query = self.scope.get("query_string", b"").decode("latin-1")
        return f"?{query}" if query else ""


PageKind = Callable[[Asked], Awaitable[Answer]]
"""Answers requests for one kind of page."""


@dataclass(frozen=True, slots=True)
class Route:
    """A pattern of paths and what answers it."""

    pattern: re.Pattern[str]
    kind: PageKind
    localised: bool = False


def route(pattern: str, kind: PageKind, *, localised: bool = False) -> Route:
    """A route of the table. `pattern` is a regular expression for the whole path."""
    return Route(re.compile(pattern), kind, localised)


class Routes:
    """Finds the route of a path. `languages` are the site's, the first one without a prefix."""

    def __init__(self, table: Sequence[Route], languages: Sequence[str]) -> None:
        self.table, self._first = table, languages[0]
        self._others = frozenset(languages[1:])

    def language_of(self, path: str) -> str:
        """The language of the lists under which `path` is."""
        language = path[1:].partition("/")[0]
        return language if language in self._others else self._first

    def find(self, path: str, scope: Scope) -> tuple[PageKind, Asked] | None:
        """What answers `path`, and the request as it sees it; None if there is no such path."""
        language, slash, rest = path[1:].partition("/")
        if slash and language in self._others:  # before a section of this name would answer
            for each in self.table:
                if each.localised and (match := each.pattern.fullmatch(f"/{rest}")):
                    asked = Asked(f"/{rest}", match.groups(""), language, f"/{language}", scope)
                    return each.kind, asked
        for each in self.table:
            if match := each.pattern.fullmatch(path):
                return each.kind, Asked(path, match.groups(""), self._first, "", scope)
        return None
