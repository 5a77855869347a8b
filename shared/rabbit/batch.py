"""A batch of reads on the wire, from ingest to counter. Internal: it carries visitor hashes.

The format is not a contract with other teams, so it is not in `luotdoc_events`. It is decoded on
the hot path: by orjson into plain lists, checked by hand.

Headers, which account for a batch even if its body can't be read:
    batch_id   `<epoch>-<seq>`: an epoch is one run of one ingest, seq has 12 digits and no gaps;
               or `h` and 64 hex digits, a hash of a client's key
    minted_at  milliseconds since 1970
    reads      number of people's reads in the body (classes reader and batch)
Body, JSON, version 2: `{"v": 2, "groups": [group, …], "visitors": hashes}`. A group stands for
`number` equal reads: `[class, article, quarter, number, salt_day, visitors]`
    class      people's reads: reader (a page's beacon), batch (`POST /reads/batch`);
               filtered reads: one of `REASONS`
    article    its id; "" for filtered reads whose article ingest had no room to remember
    quarter    quarter of an hour since 1970, UTC, in which the reads were accepted; at most a day
               after minted_at, for a clock that was set back
    number     1 or more
    salt_day   days since 1970 of the site's day whose salt hashed the visitors
    visitors   number of distinct visitors, less than `number` if one of them read twice.
               Class reader only; salt_day and visitors are 0 if the visitors are not known
`hashes` has the visitors of all groups, in the order of the groups: 8 bytes each, together one
unpadded base64url string. Hashes of different salt days can't be compared. Two groups may be equal
but for their number and visitors; they add up.

Equal reads are grouped because popular articles make up most of a batch. The hashes are one string
because packing them group by group costs a microsecond a read, 4 % of the beacon's time for a read
(`make bench ARGS="--only wire"`).

A class that this release does not know is counted as filtered, as `OTHER`, and never as people's. A
later release with a new class of people's reads is safe: the header counts them and the body seems
not to, so the batch is parked until the counter is upgraded.

Version 1 has no `v`. Queues and spools of an earlier release may hold it, so it is still parsed:
    `{"reads": [[article, accepted_at, class, visitor], …], "filtered": {reason: number}}`
    accepted_at is in milliseconds since 1970. Visitors have no salt day and are dropped. Filtered
    reads have no article and no time: they get the quarter of minted_at.
"""

import re
from base64 import urlsafe_b64decode
from binascii import b2a_base64
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from luotdoc_subscriber.base.errors import Permanent

BATCH_DIGITS = 12
KEYED = "keyed"
"""The epoch of all batches whose id comes from a client's key; these have no sequence."""

COUNTED_HOURS = 71
"""Upper bound for a batch's age. An older batch is parked as `too_old`, because it may have been
counted and the ledger, which keeps ids for one hour more, may have forgotten that."""

LATEST_MS = 32_503_680_000_000
"""Upper bound for timestamps (year 3000). Anything later is corrupt input."""

AHEAD_MS = 24 * 3600 * 1000
"""Upper bound for a batch's time ahead of the counter's clock. A later batch is parked as
`too_new`, because its epoch would seem to run for ever.
Also the upper bound for a read's time after its batch's: a later read would count in the future."""

QUARTER_MS = 15 * 60 * 1000
DAY_MS = 24 * 3600 * 1000

READER, BATCH = "reader", "batch"
PEOPLE = frozenset((READER, BATCH))
"""Classes of people's reads, which are counted."""
REASONS = ("bot", "reload", "prefetch", "origin", "limit")
"""Classes of filtered reads, named by the reason. Reads of unknown classes are added up as
`OTHER`."""
OTHER_CLASS = "other"
NO_ARTICLE = ""
"""The article of filtered reads of which only the number is known."""

MAX_READS = 100_000
"""Upper bound for people's reads in a batch, twenty times ingest's own bound."""
MAX_GROUPS = 100_000
"""Upper bound for groups in a batch; ingest makes at most about 15,000."""
MAX_FILTERED = 1 << 40
"""Upper bound for filtered reads in a batch. An ingest that can't send reaches it after eight
months of a flood of 50,000 reads a second."""
MAX_BATCH_BYTES = 16 * 1024 * 1024

_LATEST_DAY = LATEST_MS // DAY_MS
_ARTICLE = re.compile(r"[a-z0-9]{1,32}")
_CLASS = re.compile(r"[a-z_]{1,32}")
_HASHES = re.compile(r"[A-Za-z0-9_-]*")
_TO_URL = bytes.maketrans(b"+/", b"-_")
_BATCH_ID = re.compile(r"[0-9a-z]{1,64}-[0-9]{12}|h[0-9a-f]{64}")


Group = tuple[str, str, int, int, int, int]
"""(class, article, quarter, number, salt day, visitors), as described at the top of this module."""


def join_hashes(visitors: Iterable[str]) -> str:
    """Visitors of 16 hex digits each, packed into the wire's base64url string."""
    return (
        b2a_base64(bytes.fromhex("".join(visitors)), newline=False)
        .translate(_TO_URL, b"=")
        .decode()
    )


@dataclass(slots=True)
class Batch:
    """Reads that are sent, spooled and counted together, under one id."""

    batch_id: str
    minted_at: int
    groups: Sequence[Group]
    hashes: str = ""
    reads: int = field(init=False)
    """Number of people's reads, without filtered ones."""

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
        """The epoch and the sequence number within it."""
        return place(self.batch_id)

    def headers(self) -> dict[str, Any]:
        """The AMQP headers of the batch."""
        return {"batch_id": self.batch_id, "minted_at": self.minted_at, "reads": self.reads}

    def body(self) -> bytes:
        """The AMQP body in version 2; the same bytes at each call."""
        return orjson.dumps({"v": 2, "groups": self.groups, "visitors": self.hashes})


def batch_id(epoch: str, sequence: int) -> str:
    """The id of batch number `sequence` of an epoch. Ids of one epoch sort as strings."""
    return f"{epoch}-{sequence:0{BATCH_DIGITS}d}"


def place(name: str) -> tuple[str, int]:
    """(epoch, sequence from 0) of the batch id `name`;
    (`KEYED`, 0) if the id comes from a client's key.
    """
    epoch, dash, sequence = name.rpartition("-")
    return (epoch, int(sequence)) if dash else (KEYED, 0)


def identify(headers: Mapping[str, Any]) -> tuple[str, int, int]:
    """(batch id, minted at, number of reads) from the headers.
    Raises `Permanent` with the reason `bad_headers`.
    """
    name, minted, number = headers.get("batch_id"), headers.get("minted_at"), headers.get("reads")
    if not isinstance(name, str) or not _BATCH_ID.fullmatch(name):
        raise Permanent("bad_headers", f"header batch_id is {name!r:.100}, not <epoch>-<12 digits>")
    if type(minted) is not int or not 0 < minted < LATEST_MS:
        raise Permanent(
            "bad_headers", f"header minted_at is {minted!r:.100}, not milliseconds since 1970"
        )
    if type(number) is not int or not 0 <= number <= MAX_READS:
        raise Permanent(
            "bad_headers", f"header reads is {number!r:.100}, not a number up to {MAX_READS}"
        )
    return name, minted, number


def accounted(headers: Mapping[str, Any]) -> tuple[str, int] | None:
    """(batch id, number of reads) of a batch that can't be counted, for the books;
    None if it has no valid id.

    The number is 0 if the header is missing or impossible:
    then the books know the batch but not its reads.
    """
    name, number = headers.get("batch_id"), headers.get("reads")
    if not isinstance(name, str) or not _BATCH_ID.fullmatch(name):
        return None
    return name, number if type(number) is int and 0 <= number <= MAX_READS else 0


def parse(headers: Mapping[str, Any], body: bytes) -> Batch:
    """Parse a batch of version 1 or 2.
    Raises `Permanent` with the reason `bad_headers` or `bad_body`, and the fault.
    """
    name, minted, number = identify(headers)
    if len(body) > MAX_BATCH_BYTES:
        raise Permanent("bad_body", f"the body has {len(body)} bytes, more than {MAX_BATCH_BYTES}")
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Permanent("bad_body", f"not a batch: {error!r:.200}") from error
    version, hashes = content.get("v", 1) if type(content) is dict else None, ""
    try:
        if type(version) is int and version == 2:
            groups, hashes = _groups(content["groups"], minted), content.get("visitors", "")
            _check_hashes(hashes, sum([group[-1] for group in groups]))
        elif type(version) is int and version == 1:
            groups = _first_version(content["reads"], content.get("filtered", {}), number, minted)
        else:
            raise ValueError(
                f"version {version!r:.20} is not known here; a newer counter may count it"
            )
    except KeyError as error:
        raise Permanent("bad_body", f"not a batch: it has no {error}") from error
    except (TypeError, ValueError) as error:
        raise Permanent("bad_body", f"not a batch: {error!s:.200}") from error
    batch = Batch(name, minted, groups, hashes)
    if batch.reads != number:
        raise Permanent(
            "bad_body", f"the header says {number} reads of people, the body holds {batch.reads}"
        )
    return batch


def _groups(rows: Any, minted: int) -> list[Group]:
    if type(rows) is not list or len(rows) > MAX_GROUPS:
        raise ValueError(f"groups is not a list of at most {MAX_GROUPS}")
    groups, filtered, latest = list[Group](), 0, (minted + AHEAD_MS) // QUARTER_MS
    for row in rows:
        if type(row) is not list or len(row) != 6:
            raise ValueError(f"a group has 6 values, not {row!r:.60}")
        kind, article, quarter, number, salt_day, visitors = row
        if not (
            type(quarter) is type(number) is type(salt_day) is type(visitors) is int
            and type(kind) is type(article) is str
            and 0 < quarter <= latest
            and number > 0
            and (_ARTICLE.fullmatch(article) or (article == NO_ARTICLE and kind not in PEOPLE))
            and (
                visitors == salt_day == 0
                or (kind == READER and 0 < visitors <= number and 0 < salt_day < _LATEST_DAY)
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
    """`OTHER`, for an unknown class.
    With the class's own name a bucket's document could grow without bound.
    """
    if not _CLASS.fullmatch(kind):
        raise ValueError(f"a group has the class {kind!r:.60}")
    return OTHER_CLASS


def _check_hashes(joined: Any, visitors: int) -> None:
    if (
        type(joined) is not str
        or len(joined) != (visitors * 32 + 2) // 3
        or not _HASHES.fullmatch(joined)
    ):
        raise ValueError(f"visitors is not the base64url of {visitors} times 8 bytes")


def _first_version(reads: Any, filtered: Any, number: int, minted: int) -> list[Group]:
    if type(reads) is not list or len(reads) != number:
        raise ValueError(f"the header says {number} reads, the body holds another number")
    sums: Counter[tuple[str, str, int]] = Counter()
    for article, accepted_at, kind, visitor in reads:
        if not (type(article) is type(kind) is type(visitor) is str and type(accepted_at) is int):
            raise TypeError("a read is [text, milliseconds, text, text]")
        if not _ARTICLE.fullmatch(article) or not 0 < accepted_at <= minted + AHEAD_MS:
            raise ValueError("a read has an impossible article or time")
        # Version 1's counter counted reads of every class, so none may become filtered here.
        sums[BATCH if kind == BATCH else READER, article, accepted_at // QUARTER_MS] += 1
    if type(filtered) is not dict:
        raise TypeError("filtered is not a mapping of reasons to numbers")
    for reason, times in filtered.items():
        if not _CLASS.fullmatch(reason) or type(times) is not int or not 0 <= times < MAX_FILTERED:
            raise ValueError("filtered is not a mapping of reasons to numbers")
        if times:
            sums[
                reason if reason in REASONS else OTHER_CLASS, NO_ARTICLE, minted // QUARTER_MS
            ] += times
    return [(*key, times, 0, 0) for key, times in sums.items()]
