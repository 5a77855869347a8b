"""The books as metrics."""

from datetime import datetime
from math import nan

from services.stats.answers import Reconciliation
from shared import metrics


def show(books: Reconciliation) -> None:
    """Set the gauges to what the endpoint answers."""
    metrics.BOOKS_ACCEPTED.set(books.accepted)
    metrics.BOOKS_COUNTED.set(books.counted)
    for reason, reads in books.filtered.items():
        metrics.BOOKS_FILTERED.labels(reason).set(reads)
    metrics.BOOKS_PARKED.set(books.parked)
    metrics.BOOKS_IN_FLIGHT.set(books.in_flight)
    metrics.BOOKS_ENDED_GAPS.set(sum(gap.missing for gap in books.gaps))
    metrics.BOOKS_BALANCE.set(books.balance)
    metrics.BOOKS_DUPLICATES.set(books.duplicates)
    metrics.BOOKS_COMPLETE_THROUGH.set(_seconds(books.complete_through) if books.complete_through else nan)
    metrics.BOOKS_AS_OF.set(_seconds(books.as_of))


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
