"""Reconciliation: compares a subscriber's state with the articles. Pure.

A difference counts if it is seen twice, some seconds apart, because an event may be in flight.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import httpx

from shared.base.urls import link
from shared.web.state_listing import Held

Kind = Literal["missing", "stale", "extra"]
DIFFERENCES: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class Difference:
    """An article whose state at a subscriber is wrong. Revision 0 stands for none.

    missing: the article is public, and the subscriber does not have it. stale: the subscriber has
    an older revision. extra: the subscriber shows an article that is not public or does not exist,
    or has a revision that the article has not reached: then it drops events until the article has
    caught up.
    """

    id: str
    kind: Kind
    wanted: int
    held: int

    def __str__(self) -> str:
        return (
            f"{self.kind:<8} {self.id:<32} revision {self.held or '-'}, articles "
            f"{self.wanted or '-'}"
        )


def parse_subscribers(text: str) -> tuple[tuple[str, str], ...]:
    """Parse `name=http://…,name=http://…` into pairs.
    Raises ValueError that names the entry at fault.
    """
    found: dict[str, str] = {}
    for number, entry in enumerate(filter(None, (part.strip() for part in text.split(","))), 1):
        name, _, url = entry.partition("=")
        # The address may hold a password: it is not repeated.
        if not re.fullmatch(r"[a-z][a-z0-9-]{0,31}", name) or not _is_address(url):
            raise ValueError(
                f"entry {number} must be name=address, such as render=http://127.0.0.1:8000/state"
            )
        if name in found:
            raise ValueError(f"{name} is given twice")
        found[name] = url
    return tuple(found.items())


def _is_address(url: str) -> bool:
    try:
        return bool(httpx.URL(link(url)).host)
    except (httpx.InvalidURL, ValueError):
        return False


def compare(articles: Iterable[Held], holdings: Iterable[Held]) -> Iterator[Difference]:
    """The differences of two lists sorted by id.
    Read `holdings` first, so that only the articles can be newer.
    """
    wanted = {each.id: each for each in articles}
    held = {each.id: each for each in holdings}
    for article_id in sorted(wanted.keys() | held.keys()):
        if kind := _kind(wanted.get(article_id), held.get(article_id)):
            yield Difference(
                article_id, kind, _revision(wanted.get(article_id)), _revision(held.get(article_id))
            )


def _kind(wanted: Held | None, held: Held | None) -> Kind | None:
    if held and held.revision > _revision(wanted):
        return "extra"
    if wanted and wanted.public:
        if held is None or not held.public:
            return "missing"
        return "stale" if held.revision < wanted.revision else None
    return (
        "extra" if held and held.public else None
    )  # one that is not public may be held as a tombstone, or not at all


def _revision(one: Held | None) -> int:
    return one.revision if one else 0


def lasting(first: Iterable[Difference], again: Iterable[Difference]) -> list[Difference]:
    """The differences in `again` that last:
    the revision wanted at first has not arrived, or nothing has changed.
    """
    before = {each.id: each for each in first}
    return [
        each
        for each in again
        if (old := before.get(each.id))
        and old.kind == each.kind
        and (each.held < old.wanted or each.held == old.held)
    ]
