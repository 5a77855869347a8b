"""What stats stores for pages: the site's figures, and the most read and trending articles. Pure.

`services/stats/portal/store.py` has the documents. Each comes with its age in seconds, by MongoDB's
clock alone: those of stats and render may differ.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from shared.storage.counts import NOTHING, Total
from shared.storage.versions import Document

SHOWN_SECONDS = 60.0
"""Age until which figures are shown. stats stores each every 20 s, even if it is the same."""
TRENDING = "trending"


@dataclass(frozen=True, slots=True)
class VisitFigures:
    """Reads of the site by period, all of one moment, and readers online. None is not known."""

    online: int | None = None
    today: int | None = None
    yesterday: int | None = None
    week: int | None = None
    """Since Monday."""
    month: int | None = None
    year: int | None = None


def known_figures(visits: VisitFigures | None) -> dict[str, int]:
    """Those of the figures that are known, by name: `online`, `today`, `yesterday`, `week`, `month`
    and `year`.
    """
    names = ("online", "today", "yesterday", "week", "month", "year")
    found = {name: getattr(visits, name, None) for name in names}
    return {name: value for name, value in found.items() if value is not None}


@dataclass(frozen=True, slots=True)
class RankedArticle:
    """An article of a list, and its reads in the time that the list is about."""

    id: str
    reads: int


@dataclass(frozen=True, slots=True)
class PortalFigures:
    """What is stored, each with its age in seconds when it was read."""

    visits: tuple[VisitFigures, float] | None = None
    """The reads by period, without readers online."""
    counted: Total = NOTHING
    """All counted reads at the moment of `visits`."""
    online: tuple[int, float] | None = None
    lists: Mapping[str, tuple[tuple[RankedArticle, ...], float]] = field(default_factory=dict)
    """By id: `top:<window>`, best first, and `trending`."""


NO_FIGURES = PortalFigures()


def portal_figures(documents: Iterable[Document]) -> PortalFigures:
    """The figures of stored documents, each with its `age`. A document without one is of an earlier
    release, and is passed over.
    """
    held = {each["_id"]: each for each in documents if each["age"] is not None}
    site, online = held.get("site"), held.get("online")
    return PortalFigures(
        visits=None if site is None else (_periods(site), site["age"]),
        counted=NOTHING if site is None else Total(site["generation"], site["counted"]),
        online=None if online is None else (online["online"], online["age"]),
        lists={
            name: (_ranked(each), each["age"]) for name, each in held.items() if "items" in each
        },
    )


def _periods(held: Document) -> VisitFigures:
    return VisitFigures(
        today=held["today"],
        yesterday=held["yesterday"],
        week=held["week"],
        month=held["month"],
        year=held["year"],
    )


def _ranked(held: Document) -> tuple[RankedArticle, ...]:
    return tuple(RankedArticle(article, reads) for article, reads in held["items"])
