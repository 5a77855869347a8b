"""Messages that a stranger might put into a queue: random bytes in properties, headers and bodies,
from a seed.
"""

import random
import struct
import time
from dataclasses import dataclass
from typing import Any

import orjson

from tests.support.frames import long, properties, short

_SHORT = (
    "content_type",
    "content_encoding",
    "correlation_id",
    "reply_to",
    "message_id",
    "message_type",
    "app_id",
)
_OURS = (
    "batch_id minted_at reads x-luotdoc-parked-at x-luotdoc-reason x-luotdoc-detail "
    "x-luotdoc-force x-luotdoc-retries "
    "x-luotdoc-waits x-luotdoc-replay x-luotdoc-properties x-stream-offset "
    "x-delivery-count x-first-death-queue"
).split()
_WORDS = (
    b"",
    b"NaN",
    b"null",
    b"true",
    b"-1",
    b"9223372036854775808",
    b"0001-01-01T00:00:00",
    b"\x1b[2J",
    b"\0",
)


@dataclass(frozen=True)
class Hostile:
    """The bytes of a property list, flags first, and of a body."""

    raw: bytes
    body: bytes


class Maker:
    """Makes one message after the other; the same seed makes the same ones."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._number = 0

    def next(self) -> Hostile:
        """A message; half of them can be decoded."""
        self._number += 1
        pick = self._random.random()
        if pick < 0.005:
            raw = self._bytes(40)
        elif pick < 0.03:
            raw = properties(headers=self._deep())
        else:
            raw = properties(
                headers=self._table() if self._random.random() < 0.8 else None, **self._values()
            )
        return Hostile(raw, self._body())

    def _bytes(self, most: int) -> bytes:
        return self._random.randbytes(self._random.randint(0, most))

    def _text(self, most: int = 60) -> bytes:
        pick = self._random.random()
        if pick < 0.35:
            return self._bytes(most)
        return (
            self._random.choice(_WORDS) if pick < 0.6 else self._random.randbytes(4).hex().encode()
        )

    def _values(self) -> dict[str, bytes]:
        values = {name: short(self._text()) for name in _SHORT if self._random.random() < 0.15}
        if (
            self._random.random() < 0.01
        ):  # RabbitMQ refuses most of them, and that costs a connection
            values["delivery_mode"] = self._bytes(1) or b"\2"
        if self._random.random() < 0.1:
            values["priority"] = self._random.randbytes(1)
        if self._random.random() < 0.1:
            values["timestamp"] = self._random.randbytes(8)
        return values

    def _table(self) -> bytes:
        entries = []
        for _ in range(self._random.randint(0, 6)):
            name = (
                self._random.choice(_OURS).encode()
                if self._random.random() < 0.5
                else self._text(255)
            )
            entries.append(short(name) + self._value(0))
        if self._random.random() < 0.3:
            entries.append(self._accounts())
        return b"".join(entries)

    def _accounts(self) -> bytes:
        """The headers of a batch, right or nearly."""
        pick = self._random.random()
        epoch = f"f{self._random.randrange(8)}" if pick < 0.8 else "z" * 64
        number = self._number if pick < 0.5 else self._random.randrange(10**12)
        minted = int(time.time() * 1000) if pick < 0.7 else self._random.randrange(1 << 62)
        return b"".join(
            [
                short(b"batch_id") + b"S" + long(f"{epoch}-{number:012d}".encode()),
                short(b"minted_at") + b"l" + struct.pack(">q", minted),
                short(b"reads")
                + b"l"
                + struct.pack(">q", self._random.choice([0, 1, 2, -1, 1 << 62])),
            ]
        )

    def _value(self, depth: int) -> bytes:
        kind = self._random.choice(b"tbBsuIilLfdDTVxSSSAF")
        sizes = {"t": 1, "b": 1, "B": 1, "s": 2, "u": 2, "I": 4, "i": 4, "f": 4, "D": 5, "V": 0}
        letter = chr(kind)
        if letter in "xS":
            return letter.encode() + long(self._text(300))
        if letter in "AF":
            inner = (
                [self._value(depth + 1) for _ in range(self._random.randint(0, 3))]
                if depth < 4
                else []
            )
            named = inner if letter == "A" else [short(self._text(30)) + each for each in inner]
            return letter.encode() + long(b"".join(named))
        return letter.encode() + self._random.randbytes(sizes.get(letter, 8))

    def _deep(self) -> bytes:
        value = b"V"
        for _ in range(self._random.choice([20, 200, 2000])):
            value = b"A" + long(value)
        return short(b"deep") + value

    def _body(self) -> bytes:
        pick = self._random.random()
        if pick < 0.4:
            return self._bytes(200)
        if pick < 0.5:
            return b"[" * self._random.randint(1, 5000)
        if pick < 0.6:
            hashes = self._random.choice(["", "", "A" * 11, "A" * 22, "?" * 11, None])
            return orjson.dumps(
                {
                    "v": self._random.choice([2, 2, 2, 3, None]),
                    "groups": self._groups(),
                    "visitors": hashes,
                }
            )
        if pick < 0.7:
            read = ["a1", int(time.time() * 1000), "reader", ""]
            filtered = {
                self._random.choice(["bot", "x", "bot "]): self._random.choice(
                    [1, 1 << 39, 1 << 62, -1]
                )
            }
            return orjson.dumps(
                {"reads": [read] * self._random.randint(0, 2), "filtered": filtered}
            )
        return self._event()

    def _groups(self) -> list[list[Any]]:
        """Groups of a batch, right or nearly."""
        quarter = int(time.time()) // 900
        seen: list[list[Any]] = [[0, 0], [0, 0], [20_782, 1], [20_782, 2], [0, 1], [1]]
        return [
            [
                self._random.choice(["reader", "reader", "batch", "bot", "limit", "$x.y", "later"]),
                self._random.choice(["a1", "a1", "", "*", "A1"]),
                self._random.choice([quarter, quarter, 0, 1 << 49, 1 << 63]),
                self._random.choice([1, 1, 2, 0, 1 << 39, 1 << 62, -1, True]),
                *self._random.choice(seen),
            ]
            for _ in range(self._random.randint(0, 3))
        ]

    def _event(self) -> bytes:
        huge = self._random.choice(
            ["1", "9223372036854775808", "1e400", "NaN", '"1"', "1" * 5000, "-1"]
        )
        moment = self._random.choice(
            [
                "2026-01-01T00:00:00Z",
                "9999-12-31T23:59:59-14:00",
                "0001-01-01T00:00:00+14:00",
                "0000-01-01T00:00:00Z",
            ]
        )
        text = self._random.choice(["a", "\\ud800", "\\u0000", "\\u202e", "a" * 3000])
        name = self._random.choice(["published", "updated", "withdrawn", "exploded"])
        return (
            f'{{"specversion":"1.0","id":"{text}","source":"/x","type":"luotdoc.article.{name}.v1","time":"{moment}",'
            f'"subject":"f{self._random.randrange(9)}","sequence":"{self._random.randrange(10**20):020d}",'
            f'"sequence":"{self._random.randrange(9):020d}",'
            f'"data":{{"id":"f{self._random.randrange(9)}","revision":{huge},"url":"{text}","slug":"a","section":"{text}",'
            f'"title":"{text}","body_html":"{text}","published_at":"{moment}","modified_at":"{moment}",'
            f'"withdrawn_at":"{moment}","reads_baseline":{huge}}}}}'
        ).encode()
