"""What the figures need of the catalogue. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from shared.storage.quarters import quarter_of
from shared.storage.versions import Document

LISTED_FIELDS = {
    "state": 1,
    "section": 1,
    "counted_in": 1,
    "baseline": 1,
    "published_at": 1,
    "v": 1,
}
"""The fields of a document of the catalogue that `listed_article` reads."""


@dataclass(frozen=True, slots=True)
class Listed:
    """What the figures need of an article. Its reads are counted in `section`; "" is unknown."""

    published: bool
    section: str
    baseline: int
    published_in: int | None
    """The quarter of its publication; None if only its withdrawal is known."""


def listed_article(held: Document) -> Listed:
    """The article of a document of the catalogue."""
    published_at = held["published_at"]
    return Listed(
        held["state"] == "published",
        held["counted_in"] if "counted_in" in held else held["section"],
        held["baseline"],
        None if published_at is None else quarter_of(published_at),
    )


@dataclass(frozen=True)
class ListedArticles:
    """What is known of every article, by id."""

    articles: Mapping[str, Listed]
    arrangement: int = 0
    """A number that is the same while every article is in the same section."""

    def section_of(self, article: str) -> str:
        """The section in which the reads of `article` are counted; "" if it is not known."""
        held = self.articles.get(article)
        return held.section if held else ""

    def is_published(self, article: str) -> bool:
        """Whether an article is known, and published."""
        held = self.articles.get(article)
        return held is not None and held.published

    @cached_property
    def sections(self) -> dict[str, tuple[int, int]]:
        """(number of published articles, sum of the baselines) of each section, by name."""
        found: dict[str, tuple[int, int]] = {}
        for held in self.articles.values():
            published, baseline = found.get(held.section, (0, 0))
            found[held.section] = (published + held.published, baseline + held.baseline)
        return {name: found[name] for name in sorted(found) if name}
