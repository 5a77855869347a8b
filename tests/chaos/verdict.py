"""Judges a round by what the clients know and what was found afterwards. Pure."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

MAY_BE_ABANDONED = 1
"""Batches that one SIGKILL of ingest may leave behind as a gap. Two are on their way at once; the
later one arrives, the earlier one does not and nobody was told that it had. A number behind the
last that arrived is never missed."""


@dataclass
class Verdict:
    """Reads of one round; `complaints` say what is wrong and where."""

    sent: int = 0
    acknowledged: int = 0
    unanswered: int = 0
    counted: int = 0
    batched: int = 0
    batched_counted: int = 0
    lost: int = 0
    doubled: int = 0
    abandoned: int = 0
    complaints: list[str] = field(default_factory=list)


def judge_reads(
    acknowledged: Counter[str], unanswered: Counter[str], counted: Mapping[str, int]
) -> Verdict:
    """Single reads: acknowledged ≤ counted ≤ acknowledged + unanswered, for each article."""
    verdict = Verdict(
        sent=acknowledged.total() + unanswered.total(),
        acknowledged=acknowledged.total(),
        unanswered=unanswered.total(),
    )
    for article in sorted(acknowledged | unanswered):
        found, least = counted.get(article, 0), acknowledged[article]
        most = least + unanswered[article]
        verdict.counted += found
        verdict.lost += max(0, least - found)
        verdict.doubled += max(0, found - most)
        if not least <= found <= most:
            verdict.complaints.append(
                f"{article}: {found} reads are counted, it must be {least} to {most}"
            )
    return verdict


def judge_batched(verdict: Verdict, keyed: Counter[str], counted: Mapping[str, int]) -> None:
    """Reads in acknowledged batches: counted = sent, for each article."""
    for article, sent in sorted(keyed.items()):
        found = counted.get(article, 0)
        verdict.batched += sent
        verdict.batched_counted += found
        verdict.lost += max(0, sent - found)
        verdict.doubled += max(0, found - sent)
        if found != sent:
            verdict.complaints.append(
                f"{article}: {found} reads of batches are counted, {sent} were acknowledged"
            )


def missing_numbers(ledger: Iterable[str]) -> dict[str, list[int]]:
    """The numbers that each epoch's ids skip; those of keyed batches have none."""
    seen: dict[str, set[int]] = {}
    for name in ledger:
        epoch, dash, number = name.rpartition("-")
        if dash:
            seen.setdefault(epoch, set()).add(int(number))
    missing = {epoch: sorted(set(range(max(numbers))) - numbers) for epoch, numbers in seen.items()}
    return {epoch: numbers for epoch, numbers in missing.items() if numbers}


def judge_ledger(
    verdict: Verdict,
    batch_ids: Mapping[str, str],
    ledger: Collection[str],
    killed: Mapping[str, bool],
) -> None:
    """Every acknowledged batch is in the ledger, and no number is missing but where ingest died
    with it in hand.

    `batch_ids` are those that were told with an acknowledgement, with the replica that told it.
    `killed` says of each epoch whether a SIGKILL ended it.
    """
    held = set(ledger)
    for name in sorted(batch_ids.keys() - held):
        verdict.complaints.append(
            f"batch {name}, acknowledged by {batch_ids[name]}, is not in the ledger"
        )
    for epoch, numbers in missing_numbers(held).items():
        if killed.get(epoch, False) and len(numbers) <= MAY_BE_ABANDONED:
            verdict.abandoned += len(numbers)
        else:
            how = "killed" if killed.get(epoch) else "not killed"
            verdict.complaints.append(f"epoch {epoch} ({how}) misses batches {numbers[:10]}")


def judge_applied(applied: int, ledger: Collection[str]) -> list[str]:
    """A batch applied twice shows here even where reads without an answer leave room for its
    reads.
    """
    if applied == len(ledger):
        return []
    return [f"{applied} batches are in the books and {len(ledger)} in the ledger"]


def judge_books(
    books: Mapping[str, Any], site: int, articles: int, buckets: int, missing: int
) -> list[str]:
    """`books` is what /stats/reconciliation answers; the rest was added up from the database."""
    wanted = {
        "balance": 0,
        "parked": 0,
        "filtered": {},
        "accepted": articles,
        "counted": articles,
        "in_flight": missing,
    }
    found = [
        f"the books say {k} = {books.get(k)}, it must be {v}"
        for k, v in wanted.items()
        if books.get(k) != v
    ]
    if not site == articles == buckets:
        found.append(f"the site has {site} reads, its articles {articles}, its buckets {buckets}")
    return found


def judge_classes(classes: Mapping[str, int]) -> list[str]:
    """Each read from a page has a referrer and a device, and is in their sums as often as it was
    counted.
    """
    if len(set(classes.values())) == 1:
        return []
    told = ", ".join(f"{number} by {name}" for name, number in classes.items())
    return [f"the site's reads from pages differ: {told}"]


def judge_article(
    article: str, accepted: int, stored: int, served: int, told: list[int]
) -> list[str]:
    """One article's revisions: accepted from the editor, stored, served as a page, and told to
    subscribers in order.

    A change that nobody got an answer to may have been stored after the last accepted one.
    """
    found = []
    if stored < accepted:
        found.append(f"{article}: revision {accepted} was accepted, {stored} is stored")
    if served != stored:
        found.append(f"{article}: revision {served} is served, {stored} is stored")
    first = list(dict.fromkeys(told))
    if first != list(range(1, stored + 1)):
        found.append(f"{article}: subscribers were told of revisions {first}, {stored} is stored")
    return found


def epochs_killed(
    epochs: Iterable[str], told_by: Mapping[str, str], lives: Mapping[str, list[Any]]
) -> dict[str, bool]:
    """Which epochs a SIGKILL has ended, as far as can be said.

    An epoch's name begins with its start, in milliseconds as 11 hex digits. It belongs to the last
    start of a replica before that moment: of the replica that answered with it, and if none did, of
    any whose life it falls into.
    """
    result = {}
    for epoch in epochs:
        moment = int(epoch[:11], 16) / 1000
        owners = [told_by[epoch]] if epoch in told_by else list(lives)
        candidates = [
            life
            for owner in owners
            for life in lives[owner]
            if life.started <= moment and (life.ended is None or moment <= life.ended)
        ]
        result[epoch] = any(life.killed for life in candidates)
    return result
