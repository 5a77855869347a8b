"""The fold of batches into hashes of readers that are still to be stored. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.stats.readers.distinct import HASH_BYTES
from services.stats.readers.scopes import WHOLE_SITE, ReaderScope, ScopeDay
from shared.rabbit.batch import Batch


@dataclass
class ReaderFold:
    """Hashes by day and article, in the order of their batches."""

    days: dict[int, dict[str, bytearray]] = field(default_factory=dict)
    hashes: int = 0
    """Number of all hashes, equal ones included."""
    lost: set[int] = field(default_factory=set)
    """Days whose readers are not all known: hashes came after their salt."""

    def add(self, batch: Batch, days: range, folded_until: int = 0) -> None:
        """Add the visitors of `batch` whose salt is of one of `days`. Those of earlier days are
        lost, but for a batch minted until `folded_until`: it is read again, or was in a spool.
        """
        for (_, article, _, _, day, visitors), hashes in batch.visitors():
            if visitors and day in days:
                self.days.setdefault(day, {}).setdefault(article, bytearray()).extend(hashes)
                self.hashes += len(hashes) // HASH_BYTES
            elif visitors and day < days.start and batch.minted_at > folded_until:
                self.lost.add(day)

    def take(self, other: "ReaderFold") -> None:
        """Add what `other` has."""
        for day, articles in other.days.items():
            held = self.days.setdefault(day, {})
            for article, hashes in articles.items():
                held.setdefault(article, bytearray()).extend(hashes)
        self.hashes += other.hashes
        self.lost |= other.lost

    def articles(self) -> set[str]:
        """Every article that has hashes."""
        return {article for articles in self.days.values() for article in articles}

    def scopes(self, section_of: Mapping[str, str]) -> dict[ScopeDay, bytes]:
        """The hashes of each article, section and the site, by day. An article without a section
        in `section_of` is in none.
        """
        found: dict[ScopeDay, list[bytearray]] = {}
        for day, articles in self.days.items():
            site = found.setdefault(ScopeDay(WHOLE_SITE, day), [])
            for article, hashes in articles.items():
                found[ScopeDay(ReaderScope("article", article), day)] = [hashes]
                site.append(hashes)
                if section := section_of.get(article):
                    of_section = ScopeDay(ReaderScope("section", section), day)
                    found.setdefault(of_section, []).append(hashes)
        return {key: b"".join(parts) for key, parts in found.items()}
