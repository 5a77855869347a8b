"""The state listing for reconciliation:
`GET /state` lists a subscriber's articles in pages of JSON lines.

One line per article, `{"id": "ls0001", "revision": 3, "state": "published"}`, sorted by id. Any
state but published is a tombstone. `?after=ID` starts after an id. `?limit=` is the maximum of
lines, 1 to 1000, by default 1000; a page with fewer lines is the last.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

import orjson

PAGE = 1000
"""Upper bound for the lines of one answer."""


@dataclass(frozen=True, slots=True)
class Held:
    """One article in a subscriber's state."""

    id: str
    revision: int
    state: str

    @property
    def public(self) -> bool:
        """True if the subscriber shows the article."""
        return self.state == "published"


def listing_lines(held: Iterable[Held]) -> bytes:
    """A page of the listing as JSON lines."""
    return b"".join(orjson.dumps(asdict(each)) + b"\n" for each in held)


def read_listing(body: bytes) -> list[Held]:
    """Parse a page of any subscriber's listing.
    Raises ValueError that names the line and the fault.
    """
    found: list[Held] = []
    for number, line in enumerate(body.splitlines(), 1):
        try:
            fields = orjson.loads(line)
            article_id, revision, state = fields["id"], fields["revision"], fields["state"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            raise ValueError(
                f'line {number}: must be {{"id": …, "revision": …, "state": …}}'
            ) from None
        if (
            not isinstance(article_id, str)
            or not isinstance(state, str)
            or type(revision) is not int
        ):
            raise ValueError(f"line {number}: id and state must be texts, revision a whole number")
        if found and article_id <= found[-1].id:
            raise ValueError(f"line {number}: must be sorted by id, each once")
        found.append(Held(article_id, revision, state))
    return found
