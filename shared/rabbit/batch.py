"""A batch of reads on the wire, from ingest to counter. Internal: it carries visitor hashes.

It stands apart from `events.py` because it is no contract with other teams, and because it is
decoded on the hot path: by orjson into plain lists, checked by hand.

Headers account for a batch even when its body cannot be read:
    batch_id   `<epoch>-<seq>`; an epoch is one start of one ingest, seq has 12 digits and no gaps;
               or `h` and 64 hex digits, a hash of a client's key
    minted_at  milliseconds since 1970
    reads      how many of people's reads the body holds (classes reader and batch)
Body, JSON, version 2: `{"v": 2, "groups": [group, …], "visitors": hashes}`. A group stands for
`number` equal reads: `[class, article, quarter, number, salt_day, visitors]`
    class      people: reader (a page's beacon), batch (`POST /reads/batch`); filtered: `REASONS`
    article    its id; "" for filtered reads whose article ingest had no room to remember
    quarter    of an hour since 1970, UTC, in which the reads were accepted: all that counting needs
    number     1 or more
    salt_day   days since 1970 of the site's day whose salt has hashed the visitors
    visitors   how many distinct visitors made the reads: fewer than `number` where one read twice.
               Class reader only; salt_day and visitors are 0 where the visitors are not known
`hashes` are the visitors of all groups in their order, 8 bytes each, as one unpadded base64url
string. Hashes of different salt days can't be compared. The order of groups means nothing else, and
equal groups add up.

Equal reads are grouped because popular articles make most of a batch. The hashes stand together
because packing them group by group costs a microsecond a read, 4 % of what the beacon needs for it
(`make bench ARGS="--only wire"`).

A class that this release does not know is counted as filtered, under `OTHER`. Such reads are never
people's: the header counts people's reads, so a new class of people makes a batch whose header and
body differ, and that is parked until the counter is upgraded.

Version 1 has no `v`; queues and spools of an earlier release hold it, and it is still read:
    `{"reads": [[article, accepted_at, class, visitor], …], "filtered": {reason: number}}`
    accepted_at in milliseconds since 1970; a visitor has no salt day and is dropped. Filtered reads
    have neither article nor time: they get the quarter of minted_at.
"""

import re
from base64 import urlsafe_b64decode
from binascii import b2a_base64
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from shared.base.errors import Permanent

SEQUENCE_DIGITS = 12
KEYED = "keyed"
"""Stands for the epoch of batches whose id comes from a client's key; they have no sequence."""

COUNTED_HOURS = 71
"""A batch minted longer ago is not counted but parked: the ledger, which keeps an id an hour longer, may soon have
forgotten that it was."""

LATEST_MS = 32_503_680_000_000
"""Upper bound for timestamps (year 3000). Anything later is corrupt input."""

AHEAD_MS = 24 * 3600 * 1000
"""A batch minted further ahead of the counter's clock is parked as `too_new`: its epoch would never end."""

QUARTER_MS = 15 * 60 * 1000
DAY_MS = 24 * 3600 * 1000

READER, BATCH = "reader", "batch"
PEOPLE = frozenset((READER, BATCH))
"""Classes of reads that are counted."""
REASONS = ("bot", "reload", "prefetch", "origin", "limit")
"""Why ingest filters a read: classes that are not counted. Reads of other classes are added up under `OTHER`."""
OTHER = "other"
NO_ARTICLE = ""
"""The article of filtered reads of which only the number is known."""

MAX_READS = 100_000
"""People's reads of one batch; ingest makes a twentieth of it at most."""
MAX_GROUPS = 100_000
"""Groups of one batch; ingest makes some 15,000 at most."""
MAX_FILTERED = 1 << 40
"""Filtered reads of one batch: those of a flood while nothing can be sent, 50,000 a second for eight months."""
MAX_BODY = 16 * 1024 * 1024

_LATEST_QUARTER, _LATEST_DAY = LATEST_MS // QUARTER_MS, LATEST_MS // DAY_MS
_ARTICLE = re.compile(r"[a-z0-9]{1,32}")
_CLASS = re.compile(r"[a-z_]{1,32}")
_HASHES = re.compile(r"[A-Za-z0-9_-]*")
_TO_URL = bytes.maketrans(b"+/", b"-_")
_BATCH_ID = re.compile(r"[0-9a-z]{1,64}-[0-9]{12}|h[0-9a-f]{64}")


Group = tuple[str, str, int, int, int, int]
"""(class, article, quarter, number, salt day, visitors), see above."""


def join_hashes(visitors: Iterable[str]) -> str:
    """Visitors of 16 hex digits as the wire carries them."""
    return b2a_base64(bytes.fromhex("".join(visitors)), newline=False).translate(_TO_URL, b"=").decode()


@dataclass(slots=True)
class Batch:
    """Reads that travel, are stored and are counted as one."""

    batch_id: str
    minted_at: int
    groups: Sequence[Group]
    hashes: str = ""
    reads: int = field(init=False)
    """People's."""

    def __post_init__(self) -> None:
        self.reads = sum([number for kind, _, _, number, _, _ in self.groups if kind in PEOPLE])

    def visitors(self) -> Iterator[tuple[Group, list[bytes]]]:
        """Each group with its distinct visitors, 8 bytes each."""
        joined, at = urlsafe_b64decode(self.hashes + "=" * (-len(self.hashes) % 4)), 0
        for group in self.groups:
            end = at + 8 * group[-1]
            yield group, [joined[start : start + 8] for start in range(at, end, 8)]
            at = end

    @property
    def place(self) -> tuple[str, int]:
        """The epoch and the number within it."""
        return place(self.batch_id)

    def headers(self) -> dict[str, Any]:
        """The AMQP headers."""
        return {"batch_id": self.batch_id, "minted_at": self.minted_at, "reads": self.reads}

    def body(self) -> bytes:
        """The AMQP body, version 2; the same bytes each time."""
        return orjson.dumps({"v": 2, "groups": self.groups, "visitors": self.hashes})


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
    """Read a batch of either version. Raises `Permanent` (`bad_headers`, `bad_body`) that says what is wrong."""
    name, minted, number = identify(headers)
    if len(body) > MAX_BODY:
        raise Permanent("bad_body", f"the body has {len(body)} bytes, more than {MAX_BODY}")
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Permanent("bad_body", f"not a batch: {error!r:.200}") from error
    version, hashes = content.get("v", 1) if type(content) is dict else None, ""
    try:
        if type(version) is int and version == 2:
            groups, hashes = _groups(content["groups"]), content.get("visitors", "")
            _check_hashes(hashes, sum([group[-1] for group in groups]))
        elif type(version) is int and version == 1:
            groups = _first_version(content["reads"], content.get("filtered", {}), number, minted)
        else:
            raise ValueError(f"version {version!r:.20} is not known here; a newer counter may count it")
    except KeyError as error:
        raise Permanent("bad_body", f"not a batch: it has no {error}") from error
    except (TypeError, ValueError) as error:
        raise Permanent("bad_body", f"not a batch: {error!s:.200}") from error
    batch = Batch(name, minted, groups, hashes)
    if batch.reads != number:
        raise Permanent("bad_body", f"the header says {number} reads of people, the body holds {batch.reads}")
    return batch


def _groups(rows: Any) -> list[Group]:
    if type(rows) is not list or len(rows) > MAX_GROUPS:
        raise ValueError(f"groups is not a list of at most {MAX_GROUPS}")
    groups, filtered = list[Group](), 0
    for row in rows:
        if type(row) is not list or len(row) != 6:
            raise ValueError(f"a group has 6 values, not {row!r:.60}")
        kind, article, quarter, number, salt_day, visitors = row
        if not (
            type(quarter) is type(number) is type(salt_day) is type(visitors) is int
            and type(kind) is type(article) is str
            and 0 < quarter < _LATEST_QUARTER
            and number > 0
            and (_ARTICLE.fullmatch(article) or (article == NO_ARTICLE and kind not in PEOPLE))
            and (
                visitors == salt_day == 0 or (kind == READER and 0 < visitors <= number and 0 < salt_day < _LATEST_DAY)
            )
        ):
            raise ValueError(f"a group is malformed: {row!r:.100}")
        if kind not in PEOPLE:
            filtered += number
            if kind not in REASONS:
                kind = _other(kind)
        groups.append((kind, article, quarter, number, salt_day, visitors))
    if filtered > MAX_FILTERED:
        raise ValueError("more reads are filtered than any ingest has seen")
    return groups


def _other(kind: str) -> str:
    """The class for reads of a class that is not known: a document of MongoDB must not grow without end."""
    if not _CLASS.fullmatch(kind):
        raise ValueError(f"a group has the class {kind!r:.60}")
    return OTHER


def _check_hashes(joined: Any, visitors: int) -> None:
    if type(joined) is not str or len(joined) != (visitors * 32 + 2) // 3 or not _HASHES.fullmatch(joined):
        raise ValueError(f"visitors is not the base64url of {visitors} times 8 bytes")


def _first_version(reads: Any, filtered: Any, number: int, minted: int) -> list[Group]:
    if type(reads) is not list or len(reads) != number:
        raise ValueError(f"the header says {number} reads, the body holds another number")
    sums: Counter[tuple[str, str, int]] = Counter()
    for article, accepted_at, kind, visitor in reads:
        if not (type(article) is type(kind) is type(visitor) is str and type(accepted_at) is int):
            raise TypeError("a read is [text, milliseconds, text, text]")
        if not _ARTICLE.fullmatch(article) or not 0 < accepted_at < LATEST_MS:
            raise ValueError("a read has an impossible article or time")
        # Its counter counted every read, whatever its class.
        sums[BATCH if kind == BATCH else READER, article, accepted_at // QUARTER_MS] += 1
    if type(filtered) is not dict:
        raise TypeError("filtered is not a mapping of reasons to numbers")
    for reason, times in filtered.items():
        if not _CLASS.fullmatch(reason) or type(times) is not int or not 0 <= times < MAX_FILTERED:
            raise ValueError("filtered is not a mapping of reasons to numbers")
        if times:
            sums[reason if reason in REASONS else OTHER, NO_ARTICLE, minted // QUARTER_MS] += times
    return [(*key, times, 0, 0) for key, times in sums.items()]
