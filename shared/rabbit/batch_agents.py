"""The part `agents` of a batch: what a recount needs to judge its reads again. Pure.

ingest writes it (`services/ingest/reads/agent_notes.py`), the recount reads it. The counter passes
over it: it is one value of the body that no fold looks at, and a batch is valid without it.
`{"table": …, "reads": …, "reloads": …, "bots": …, "earlier": …, "window": s, "texts": […]}`, of
which only `table` is always there. The first five are bytes as unpadded base64url:

    table    7 bytes for each kind of reader in this batch: 6 of the agent's id, then the place in
             `CAME_FROM` of where the reader came from. They are numbered from 1
    reads    the number of its kind for each read of class reader, in the order of the groups;
             1 byte each, or 2 if the table has more than 255 kinds. 0 is a read of which no agent
             is known
    reloads  8 bytes for some equal reads of class reload: 2 for the place of their group in
             `groups`, 2 for their kind, 4 for their number
    bots     14 bytes for a read of class bot: 2 for the place of its group, 2 for its kind, 2 for
             the second of its quarter, 8 for the visitor
    earlier  8 bytes for each of `bots`: the visitor under the salt of the day before, while ingest
             looks for it too (0 else). It is missing outside that time

    window   seconds of ingest's reload window, beside `bots`; 0: it is off, and no visitor is known
    texts    [[reduced agent, class of device], …]; ids are hashes of these. An epoch announces each
             once an hour, in the first batch that has it

Filtered reads whose article is not known, and those for which ingest had no room, are in no row.
"""

import struct
from base64 import urlsafe_b64decode
from binascii import b2a_base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any

from shared.rabbit.batch import (
    BOT,
    DEVICES,
    NO_REFERRER,
    OTHER_CLASS,
    QUARTER_MS,
    READER,
    REFERRERS,
    RELOAD,
    TO_URL,
    Batch,
)

CAME_FROM = (NO_REFERRER, *REFERRERS)
"""Classes of referrers by their place in a kind; the first is "not known"."""
_PLACES = {kind: place for place, kind in enumerate(CAME_FROM)}
ID_BYTES = 6
MAX_KINDS = 60_000
QUARTER_SECONDS = QUARTER_MS // 1000

_KIND = struct.Struct(f">{ID_BYTES}sB")
_RELOADS = struct.Struct(">HHI")
_BOT = struct.Struct(">HHH8s")
NO_VISITOR = bytes(8)

ReaderKind = tuple[bytes, str]
"""(id of the agent, class of the referrer)."""


@dataclass(frozen=True, slots=True)
class NotedReads:
    """Reads of one class, article and quarter that a recount can judge again."""

    article: str
    quarter: int
    kind: ReaderKind
    was: str
    """The class that ingest gave them: reader, reload or bot."""
    number: int = 1
    second: int = 0
    """Class bot alone, as the following: the second since 1970."""
    visitor: bytes = NO_VISITOR
    earlier: bytes = NO_VISITOR


@dataclass(slots=True)
class AgentPart:
    """The part of one batch, as ingest gathers it."""

    kinds: Sequence[ReaderKind] = ()
    reads: Sequence[int] = ()
    """Numbers of kinds, from 1."""
    reloads: list[tuple[int, int, int]] = field(default_factory=list)
    """(place of the group, kind, number)."""
    bots: list[tuple[int, int, int, bytes, bytes]] = field(default_factory=list)
    """(place of the group, kind, second of the quarter, visitor, visitor under the other salt)."""
    window: int = 0
    texts: Sequence[tuple[str, str]] = ()

    def packed(self) -> dict[str, Any]:
        """The part in the wire's form."""
        wide = len(self.kinds) > 255
        part: dict[str, Any] = {
            "table": _text(b"".join(_KIND.pack(name, _PLACES[came]) for name, came in self.kinds))
        }
        if self.reads:
            part["reads"] = _text(
                struct.pack(f">{len(self.reads)}H", *self.reads) if wide else bytes(self.reads)
            )
        if self.reloads:
            part["reloads"] = _text(b"".join(_RELOADS.pack(*row) for row in self.reloads))
        if self.bots:
            part["bots"] = _text(b"".join(_BOT.pack(*row[:4]) for row in self.bots))
            if any(row[4] != NO_VISITOR for row in self.bots):
                part["earlier"] = _text(b"".join(row[4] for row in self.bots))
            part["window"] = self.window
        if self.texts:
            part["texts"] = [list(text) for text in self.texts]
        return part


def agent_id(text: str, device: str) -> bytes:
    """The id of a reduced agent with the class of its device."""
    return blake2b(f"{text}\0{device}".encode(), digest_size=ID_BYTES).digest()


def announced(batch: Batch) -> Iterator[tuple[bytes, str, str]]:
    """(id, reduced agent, class of device) of each agent that the batch announces.
    A class that this release does not know is `OTHER_CLASS`. Raises `ValueError` if the part is
    malformed.
    """
    texts = _part(batch).get("texts", [])
    if type(texts) is not list:
        raise ValueError(f"agents are announced as {texts!r:.60}")
    for row in texts:
        if not (type(row) is list and len(row) == 2 and all(type(one) is str for one in row)):
            raise ValueError(f"an agent is announced as {row!r:.60}")
        text, device = row
        yield agent_id(text, device), text, device if device in DEVICES else OTHER_CLASS


def window_of(batch: Batch) -> int:
    """The reload window in seconds that ingest had for the batch's reads of class bot."""
    window = _part(batch).get("window", 0)
    if type(window) is not int or window < 0:
        raise ValueError(f"the reload window is {window!r:.60}")
    return window


def noted(batch: Batch) -> Iterator[NotedReads]:
    """The reads of a batch that can be judged again. Raises `ValueError` if the part does not
    belong to its groups.
    """
    part = _part(batch)
    if not part:
        return
    try:
        kinds = [
            (name, _came_from(place)) for name, place in _KIND.iter_unpack(_bytes(part, "table"))
        ]
        yield from _readers(batch, kinds, _bytes(part, "reads"))
        left = [group[3] for group in batch.groups]
        for place, kind, number in _RELOADS.iter_unpack(_bytes(part, "reloads")):
            yield _filtered(batch, RELOAD, place, kinds, kind, number, left)
        earlier = _bytes(part, "earlier")
        for row, (place, kind, second, visitor) in enumerate(
            _BOT.iter_unpack(_bytes(part, "bots"))
        ):
            read = _filtered(batch, BOT, place, kinds, kind, 1, left)
            if second >= QUARTER_SECONDS:
                raise ValueError(f"a bot has read in the second {second} of a quarter of an hour")
            yield replace(
                read, second=read.quarter * QUARTER_SECONDS + second, visitor=visitor,
                earlier=earlier[8 * row : 8 * row + 8] or NO_VISITOR,
            )  # fmt: skip
    except (IndexError, struct.error) as error:
        raise ValueError(f"agents don't belong to their batch: {error}") from error


def _readers(batch: Batch, kinds: Sequence[ReaderKind], packed: bytes) -> Iterator[NotedReads]:
    if len(kinds) > 255:
        numbers: Sequence[int] = [number for (number,) in struct.iter_unpack(">H", packed)]
    else:
        numbers = packed
    at = 0
    for was, article, quarter, number, _, _ in batch.groups:
        if was != READER or not numbers:
            continue
        if at + number > len(numbers):
            raise ValueError("agents are of fewer reads than the batch has")
        for kind in numbers[at : at + number]:
            if kind:
                yield NotedReads(article, quarter, kinds[kind - 1], READER)
        at += number
    if at != len(numbers):
        raise ValueError("agents are of more reads than the batch has")


def _filtered(
    batch: Batch, was: str, place: int, kinds: Sequence[ReaderKind], kind: int, number: int,
    left: list[int],
) -> NotedReads:  # fmt: skip
    """Reads of the group `place`; `left` are those of each group that no row has yet."""
    of, article, quarter, _, _, _ = batch.groups[place]
    if of != was or not kind:
        raise ValueError(f"agents of class {was} stand for reads of class {of}")
    left[place] -= number
    if left[place] < 0:
        raise ValueError(f"agents are of more reads of class {was} than the batch has")
    return NotedReads(article, quarter, kinds[kind - 1], was, number)


def _came_from(place: int) -> str:
    return CAME_FROM[place] if place < len(CAME_FROM) else NO_REFERRER


def _part(batch: Batch) -> dict[str, Any]:
    part = batch.agents
    if part is None:
        return {}
    if type(part) is not dict or type(part.get("table")) is not str:
        raise ValueError(f"agents is {part!r:.60}")
    return part


def _bytes(part: dict[str, Any], name: str) -> bytes:
    packed = part.get(name, "")
    if type(packed) is not str:
        raise ValueError(f"{name} of agents is {packed!r:.60}")
    return urlsafe_b64decode(packed + "=" * (-len(packed) % 4))


def _text(packed: bytes) -> str:
    return b2a_base64(packed, newline=False).translate(TO_URL, b"=").decode()
