"""Shows the books as metrics."""

from datetime import datetime
from math import nan

from services.stats.books_answers import Reconciliation
from services.stats.metrics import StatsMetrics


def show(books: Reconciliation, metrics: StatsMetrics) -> None:
    """Set the gauges to the values of `/stats/reconciliation`."""
    metrics.accepted.set(books.accepted)
    metrics.counted.set(books.counted)
    for reason, reads in books.filtered.items():
        metrics.filtered.labels(reason).set(reads)
    for kind, reads in books.corrected.items():
        metrics.corrected.labels(kind).set(reads)
    metrics.parked.set(books.parked)
    metrics.in_flight.set(books.in_flight)
    metrics.ended_gaps.set(sum(gap.missing for gap in books.gaps))
    metrics.running_gaps.set(sum(gap.missing for gap in books.running_gaps))
    metrics.lost.set(books.lost)
    metrics.balance.set(books.balance)
    metrics.duplicates.set(books.duplicates)
    metrics.complete_through.set(
        _seconds(books.complete_through) if books.complete_through else nan
    )
    metrics.as_of.set(_seconds(books.as_of))


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
