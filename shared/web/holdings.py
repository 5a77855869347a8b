"""What a subscriber holds, offered for comparison: `GET /state`, newline-delimited JSON, in pages.

One line per article, `{"id": "ls0001", "revision": 3, "state": "published"}`, sorted by id; any state but published
is a tombstone. `?after=ID` begins behind an id, `?limit=` (1 to 1000, which is the default) is the lines at most;
fewer than that are the last.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

import orjson

PAGE = 1000
"""Lines of one answer at most."""


@dataclass(frozen=True, slots=True)
class Held:
    """An article as a subscriber holds it."""

    id: str
    revision: int
    state: str

    @property
    def public(self) -> bool:
        """Whether it is shown."""
        return self.state == "published"


def lines(held: Iterable[Held]) -> bytes:
    """A page as it is answered."""
    return b"".join(orjson.dumps(asdict(each)) + b"\n" for each in held)


def read(body: bytes) -> list[Held]:
    """A page as another team's service may send it. Raises ValueError that says what is wrong with which line."""
    found: list[Held] = []
    for number, line in enumerate(body.splitlines(), 1):
        try:
            fields = orjson.loads(line)
            article_id, revision, state = fields["id"], fields["revision"], fields["state"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            raise ValueError(f'line {number}: must be {{"id": …, "revision": …, "state": …}}') from None
        if not isinstance(article_id, str) or not isinstance(state, str) or type(revision) is not int:
            raise ValueError(f"line {number}: id and state must be texts, revision a whole number")
        if found and article_id <= found[-1].id:
            raise ValueError(f"line {number}: must be sorted by id, each once")
        found.append(Held(article_id, revision, state))
    return found
