"""A batch of reads on the wire, from ingest to counter. Internal: it carries visitor hashes.

It stands apart from `events.py` because it is no contract with other teams, and because it is decoded on the
hot path: by orjson into plain lists, checked by hand, at a fraction of what a model costs.

Headers account for a batch even when its body cannot be read:
    batch_id   `<epoch>-<seq>`; an epoch is one start of one ingest, seq has 12 digits and no gaps
    minted_at  milliseconds since 1970
    reads      how many reads the body holds
Body, JSON: `{"reads": [[article, accepted_at, class, visitor], …], "filtered": {reason: number}}`
    accepted_at in milliseconds since 1970; class "reader" or "bot"; visitor 16 hex digits or ""
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from shared.errors import Permanent

SEQUENCE_DIGITS = 12
KEYED = "keyed"
"""Stands for the epoch of batches whose id comes from a client's key; they have no sequence."""

Read = tuple[str, int, str, str]
"""(article, accepted_at in milliseconds, class, visitor)"""

COUNTED_HOURS = 71
"""A batch minted longer ago is not counted but parked: the ledger, which keeps an id an hour longer, may soon have
forgotten that it was."""

LATEST_MS = 32_503_680_000_000
"""The year 3000: what lies behind it no clock has said, and no calendar of ours can name."""

AHEAD_MS = 24 * 3600 * 1000
"""A batch minted further ahead of the counter's clock is parked as `too_new`: its epoch would never end."""

MAX_READS = 100_000
"""Reads of one batch; ingest makes a twentieth of it at most."""
REASONS = ("bot", "reload", "prefetch", "origin")
"""Why ingest filters a read. Reads that were filtered for another reason are added up under `OTHER`."""
OTHER = "other"
MAX_BODY = 16 * 1024 * 1024

_ARTICLE = re.compile(r"[a-z0-9]{1,32}")
_REASON = re.compile(r"[a-z_]{1,32}")
_BATCH_ID = re.compile(r"[0-9a-z]{1,64}-[0-9]{12}|h[0-9a-f]{64}")


@dataclass(slots=True)
class Batch:
    """Reads that travel, are stored and are counted as one."""

    batch_id: str
    minted_at: int
    reads: list[Read]
    filtered: dict[str, int] = field(default_factory=dict)

    @property
    def place(self) -> tuple[str, int]:
        """The epoch and the number within it."""
        return place(self.batch_id)

    def headers(self) -> dict[str, Any]:
        """The AMQP headers."""
        return {"batch_id": self.batch_id, "minted_at": self.minted_at, "reads": len(self.reads)}

    def body(self) -> bytes:
        """The AMQP body."""
        return orjson.dumps({"reads": self.reads, "filtered": self.filtered})


def batch_id(epoch: str, sequence: int) -> str:
    """The id of an epoch's batch number `sequence`; ids of one epoch sort as strings."""
    return f"{epoch}-{sequence:0{SEQUENCE_DIGITS}d}"


def place(name: str) -> tuple[str, int]:
    """The epoch and the number, from 0, of the batch called `name`; (`KEYED`, 0) where a client's key named it."""
    epoch, dash, sequence = name.rpartition("-")
    return (epoch, int(sequence)) if dash else (KEYED, 0)


def identify(headers: Mapping[str, Any]) -> tuple[str, int, int]:
    """(batch id, minted at, number of reads) from the headers alone. Raises `Permanent` with reason `bad_headers`."""
    name, minted, number = headers.get("batch_id"), headers.get("minted_at"), headers.get("reads")
    if not isinstance(name, str) or not _BATCH_ID.fullmatch(name):
        raise Permanent("bad_headers", f"header batch_id is {name!r:.100}, not <epoch>-<12 digits>")
    if type(minted) is not int or not 0 < minted < LATEST_MS:
        raise Permanent("bad_headers", f"header minted_at is {minted!r:.100}, not milliseconds since 1970")
    if type(number) is not int or not 0 <= number <= MAX_READS:
        raise Permanent("bad_headers", f"header reads is {number!r:.100}, not a number up to {MAX_READS}")
    return name, minted, number


def accounted(headers: Mapping[str, Any]) -> tuple[str, int] | None:
    """(batch id, number of reads) of a batch that can't be counted, for the books; None where it has no usable id.

    A number that is missing or impossible is 0: the batch's place in its epoch is known, its reads are not.
    """
    name, number = headers.get("batch_id"), headers.get("reads")
    if not isinstance(name, str) or not _BATCH_ID.fullmatch(name):
        return None
    return name, number if type(number) is int and 0 <= number <= MAX_READS else 0


def parse(headers: Mapping[str, Any], body: bytes) -> Batch:
    """Read a batch back. Raises `Permanent` with reason `bad_headers` or `bad_body`, saying what is wrong."""
    name, minted, number = identify(headers)
    if len(body) > MAX_BODY:
        raise Permanent("bad_body", f"the body has {len(body)} bytes, more than {MAX_BODY}")
    try:
        content = orjson.loads(body)
        reads, filtered = content["reads"], content.get("filtered", {})
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise Permanent("bad_body", f"not a batch: {error!r:.200}") from error
    if type(reads) is not list or len(reads) != number:
        raise Permanent("bad_body", f"the header says {number} reads, the body holds another number")
    _check_reads(reads)
    if type(filtered) is not dict or not all(map(_is_filtered, filtered.items())):
        raise Permanent("bad_body", "filtered is not a mapping of reasons to numbers")
    return Batch(name, minted, reads, _known(filtered))


def _known(filtered: dict[str, int]) -> dict[str, int]:
    """By the reasons that the books have a place for; a document of MongoDB must not grow without end."""
    known = {reason: number for reason, number in filtered.items() if reason in REASONS}
    if len(known) < len(filtered):
        known[OTHER] = sum(filtered.values()) - sum(known.values())
    return known


def _is_filtered(item: tuple[str, Any]) -> bool:
    reason, number = item
    return bool(_REASON.fullmatch(reason)) and type(number) is int and 0 <= number < 1 << 40


def _check_reads(reads: list[Any]) -> None:
    try:
        for article, accepted_at, kind, visitor in reads:
            if not (type(article) is type(kind) is type(visitor) is str and type(accepted_at) is int):
                raise TypeError("a read is [text, milliseconds, text, text]")
            if not _ARTICLE.fullmatch(article) or not 0 < accepted_at < LATEST_MS:
                raise ValueError("a read has an impossible article or time")
    except (TypeError, ValueError) as error:
        raise Permanent("bad_body", f"a read is malformed: {error}") from error
