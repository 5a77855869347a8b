"""The batches of `POST /reads/batch`:
reads from a server or an app, counted once even if repeated. Pure.

The batch's id is a hash of the token's name and the client's key. So every repetition, at any
replica, makes a batch with the same id, and the ledger counts one of them.

Two facts of the first request are stored with the key and used by repetitions: the time of minting,
so that a late repetition can't outlive the ledger, and the articles that were unknown then.
"""

from collections import Counter
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated

import orjson
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from luotdoc_events.events import ARTICLE_ID
from shared.base.errors import Problem
from shared.rabbit.batch import BATCH, COUNTED_HOURS, QUARTER_MS, Batch

MAX_READS = 1000
MAX_REQUEST_BYTES = 128 * 1024
MAX_KEY = 255
_TOO_LATE = (
    f"the key was first used more than {COUNTED_HOURS} hours ago. If a request with it was "
    "answered 200, there is nothing to do; if none was, its reads may be counted or not, and "
    "another key counts them again"
)


class ReadInput(BaseModel):
    """One read."""

    model_config = ConfigDict(extra="forbid", strict=True)
    article: Annotated[str, StringConstraints(pattern=ARTICLE_ID)]


class ReadBatchInput(BaseModel):
    """A batch of 1 to 1,000 reads."""

    model_config = ConfigDict(extra="forbid", strict=True)
    reads: Annotated[list[ReadInput], Field(min_length=1, max_length=MAX_READS)]

    @property
    def articles(self) -> list[str]:
        """The ids of the articles that were read, in order, with repetitions."""
        return [read.article for read in self.reads]


@dataclass(frozen=True)
class KeyNote:
    """The stored facts of a key's first request:
    digest of its body, time in milliseconds, unknown articles.
    """

    digest: str
    minted_at: int
    unknown: frozenset[str]


def checked_key(key: str | None) -> str:
    """The `Idempotency-Key`. Raises `Problem` 422."""
    if key is None or not 1 <= len(key) <= MAX_KEY or not key.isascii() or not key.isprintable():
        needed = f"is needed: 1-{MAX_KEY} printable ASCII characters, another one for each batch"
        raise Problem.invalid("Idempotency-Key", needed)
    return key


def keyed_id(token: str, key: str) -> str:
    """The batch id for the key `key` of the token named `token`."""
    return "h" + sha256(orjson.dumps([token, key])).hexdigest()


def digest_of_batch(articles: list[str]) -> str:
    """A digest of the request's articles, independent of the JSON's spacing."""
    return sha256(orjson.dumps(articles)).hexdigest()


def make_batch(batch_id: str, articles: list[str], note: KeyNote, now: int) -> Batch:
    """The batch, equal for each repetition; `now` in milliseconds since 1970.

    Raises `Problem` 422 if the key was used with another body,
    409 if the counter would park the batch as too old.
    """
    if note.digest != digest_of_batch(articles):
        raise Problem.invalid("Idempotency-Key", "was used with another body")
    if note.minted_at < now - COUNTED_HOURS * 3_600_000:
        raise Problem(409, _TOO_LATE)
    numbers = Counter(article for article in articles if article not in note.unknown)
    quarter = note.minted_at // QUARTER_MS
    groups = [(BATCH, article, quarter, number, 0, 0) for article, number in numbers.items()]
    return Batch(batch_id, note.minted_at, groups)
