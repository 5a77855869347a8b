"""A batch of reads on the wire, from ingest to counter. Internal: it carries visitor hashes.

The format is not a contract with other teams, so it is not in `luotdoc_events`.
`shared.rabbit.batch_parsing` parses it.

Headers, which account for a batch even if its body can't be read:
    batch_id   `<epoch>-<seq>`: an epoch is one run of one ingest, seq has 12 digits and no gaps;
               or `h` and 64 hex digits, a hash of a client's key
    minted_at  milliseconds since 1970
    reads      number of people's reads in the body (classes reader and batch)
Body, JSON, version 2: `{"v": 2, "groups": [group, …], "visitors": hashes, "sources": [source, …]}`.
A group stands for `number` equal reads: `[class, article, quarter, number, salt_day, visitors]`
    class      people's reads: reader (a page's beacon), batch (`POST /reads/batch`);
               filtered reads: one of `FILTERED_CLASSES`
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

A source has sums of the reads of class reader in one quarter, of any articles and visitors:
`[quarter, referrers, devices]`
    referrers  {class: number}, where the readers came from: `REFERRERS`. Reads of which that is
               not known are left out
    devices    {class: number}, what they read on: `DEVICES`
A quarter has one source, and either sum is at most that of its groups of class reader. `sources`
may be missing: an earlier release doesn't write it, and doesn't look at it. An address or the name
of a host is never in it. A class that this release does not know adds to `OTHER_CLASS`.

`agents` has what a recount needs to judge the reads again after a change of the rules for bots. It
may be missing, and neither counts nor is looked at by the counter (`shared.rabbit.batch_agents`).

Version 3 is a correcting batch, which a recount sends: `{"v": 3, "moves": [move, …], "sources":
[source, …]}`. A move takes `number` reads from one class to another: `[from, to, article, quarter,
number]`, so a batch never changes the number of accepted reads. Its sources may be negative; with
sources that change anything it may have no moves. Its id is a hash, as that of a client's key;
`reads` of its header is 0. A counter of an earlier release parks it (`bad_body`), a spool never has
it. `shared.rabbit.corrections` parses it.

Equal reads are grouped because popular articles make up most of a batch. The hashes are one string
because packing them group by group costs a microsecond a read, 4 % of the beacon's time for a read
(`make bench ARGS="--only wire"`).

A class that this release does not know is counted as filtered, as `OTHER_CLASS`, and never as
people's. A later release with a new class of people's reads is safe: the header counts them and the
body seems not to, so the batch is parked until the counter is upgraded.

Version 1 has no `v`. Queues and spools of an earlier release may hold it, so it is still parsed:
    `{"reads": [[article, accepted_at, class, visitor], …], "filtered": {reason: number}}`
    accepted_at is in milliseconds since 1970. Visitors have no salt day and are dropped. Filtered
    reads have no article and no time: they get the quarter of minted_at.
"""

from base64 import urlsafe_b64decode
from binascii import b2a_base64
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

BATCH_DIGITS = 12
KEYED = "keyed"
"""The epoch of all batches whose id comes from a client's key; these have no sequence."""

COUNTED_HOURS = 71
"""Upper bound for a batch's age. An older batch is parked as `too_old`, because it may have been
counted and the ledger, which keeps ids for one hour more, may have forgotten that."""

AHEAD_MS = 24 * 3600 * 1000
"""Upper bound for a batch's time ahead of the counter's clock. A later batch is parked as
`too_new`, because its epoch would seem to run for ever.
Also the upper bound for a read's time after its batch's: a later read would count in the future."""

QUARTER_MS = 15 * 60 * 1000
DAY_MS = 24 * 3600 * 1000

READER, BATCH = "reader", "batch"
PEOPLE = frozenset((READER, BATCH))
"""Classes of people's reads, which are counted."""
BOT, RELOAD = "bot", "reload"
FILTERED_CLASSES = (BOT, RELOAD, "prefetch", "origin", "limit")
"""Classes of filtered reads, named by the reason. Reads of unknown classes are added up as
`OTHER_CLASS`."""
OTHER_CLASS = "other"
NO_ARTICLE = ""
"""The article of filtered reads of which only the number is known."""

DIRECT, SITE_ITSELF, SEARCH, SOCIAL = "direct", "site", "search", "social"
REFERRERS = (DIRECT, SITE_ITSELF, SEARCH, SOCIAL, OTHER_CLASS)
"""Classes of referrers."""
NO_REFERRER = ""
"""The referrer of reads of which it is not known, within ingest."""
MOBILE, TABLET, DESKTOP = "mobile", "tablet", "desktop"
DEVICES = (MOBILE, TABLET, DESKTOP, OTHER_CLASS)
"""Classes of devices."""

TO_URL = bytes.maketrans(b"+/", b"-_")
"""From base64 to base64url."""

Group = tuple[str, str, int, int, int, int]
"""(class, article, quarter, number, salt day, visitors), as described at the top of this module."""
Source = tuple[int, dict[str, int], dict[str, int]]
"""(quarter, referrers, devices), as described at the top of this module."""
Move = tuple[str, str, str, int, int]
"""(class, its new class, article, quarter, number), as described at the top of this module."""


def join_hashes(visitors: Iterable[str]) -> str:
    """Visitors of 16 hex digits each, packed into the wire's base64url string."""
    return (
        b2a_base64(bytes.fromhex("".join(visitors)), newline=False).translate(TO_URL, b"=").decode()
    )


@dataclass(slots=True)
class Batch:
    """Reads that are sent, spooled and counted together, under one id."""

    batch_id: str
    minted_at: int
    groups: Sequence[Group]
    hashes: str = ""
    sources: tuple[Source, ...] = ()
    agents: Any = None
    """The part `agents` as it stands on the wire; None if it is missing."""
    moves: Sequence[Move] = ()
    """Those of a correcting batch."""
    traces: Sequence[str] = field(default=(), compare=False)
    """Traceparents of its traced reads. They are not on the wire: the message has the traceparent
    of its publish, which is linked to them."""
    reads: int = field(init=False)
    """Number of people's reads, without filtered ones."""

    def __post_init__(self) -> None:
        self.reads = sum([number for kind, _, _, number, _, _ in self.groups if kind in PEOPLE])

    def visitors(self) -> Iterator[tuple[Group, bytes]]:
        """Each group with the hashes of its distinct visitors, 8 bytes each."""
        joined, at = urlsafe_b64decode(self.hashes + "=" * (-len(self.hashes) % 4)), 0
        for group in self.groups:
            end = at + 8 * group[-1]
            yield group, joined[at:end]
            at = end

    @property
    def corrects(self) -> bool:
        """True for a correcting batch. One without moves has sums of sources, and no groups."""
        if self.groups:
            return False
        return bool(self.moves) or any(came or on for _, came, on in self.sources)

    @property
    def place(self) -> tuple[str, int]:
        """The epoch and the sequence number within it."""
        return place(self.batch_id)

    def headers(self) -> dict[str, Any]:
        """The AMQP headers of the batch."""
        return {"batch_id": self.batch_id, "minted_at": self.minted_at, "reads": self.reads}

    def body(self) -> bytes:
        """The AMQP body in version 2, or 3 if it corrects; the same bytes at each call."""
        content: dict[str, Any]
        if self.corrects:
            content = {"v": 3, "moves": self.moves}
        else:
            content = {"v": 2, "groups": self.groups, "visitors": self.hashes}
        if self.sources:
            content["sources"] = self.sources
        if self.agents is not None:
            content["agents"] = self.agents
        return orjson.dumps(content)


def batch_id(epoch: str, sequence: int) -> str:
    """The id of batch number `sequence` of an epoch. Ids of one epoch sort as strings."""
    return f"{epoch}-{sequence:0{BATCH_DIGITS}d}"


def place(name: str) -> tuple[str, int]:
    """(epoch, sequence from 0) of the batch id `name`;
    (`KEYED`, 0) if the id comes from a client's key.
    """
    epoch, dash, sequence = name.rpartition("-")
    return (epoch, int(sequence)) if dash else (KEYED, 0)
