"""Re-labels kept sums of a class of filtered reads. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable

from luotdoc_subscriber.base.errors import Refused
from services.counter.recount.judging import Changes
from shared.rabbit.batch import FILTERED_CLASSES, NO_ARTICLE, OTHER_CLASS, PEOPLE
from shared.rabbit.batch_bounds import CLASS
from shared.storage.counts import SITE


def chosen_classes(text: str) -> tuple[str, str]:
    """(old, new) of `OLD=NEW`. Raises `Refused`."""
    was, _, now = text.partition("=")
    if not CLASS.fullmatch(was) or was in PEOPLE:
        raise Refused(f"{was!a} is no class of filtered reads")
    if now not in (*FILTERED_CLASSES, OTHER_CLASS) or was == now:
        known = ", ".join((*FILTERED_CLASSES, OTHER_CLASS))
        raise Refused(f"{now!a} is no other class of filtered reads; those are {known}")
    return was, now


def relabelled(changes: Changes, was: str, now: str, kept: Iterable[tuple[str, int, int]]) -> None:
    """Add to `changes` that `kept`, (article, quarter, reads) of class `was`, are of class `now`.

    The site's reads of a quarter that no article has are those whose article ingest had no room to
    remember.
    """
    sums: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for article, quarter, reads in kept:
        sums[quarter][article] += reads
    for quarter, articles in sums.items():
        of_site = articles.pop(SITE, 0)
        articles[NO_ARTICLE] = of_site - articles.total()
        for article, reads in articles.items():
            if reads > 0:
                changes.move(was, now, article, quarter, reads)
