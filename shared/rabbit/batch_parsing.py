"""Parsing of a batch of reads, with its bounds: nothing outside them reaches the counter's sums.

`shared.rabbit.batch` describes the format. It is decoded on the hot path: by orjson into plain
lists, checked by hand.
"""

import re
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import orjson

from luotdoc_subscriber.base.errors import Permanent
from shared.rabbit.batch import (
    AHEAD_MS,
    BATCH,
    DAY_MS,
    DEVICES,
    FILTERED_CLASSES,
    NO_ARTICLE,
    OTHER_CLASS,
    PEOPLE,
    QUARTER_MS,
    READER,
    REFERRERS,
    Batch,
    Group,
    Source,
)
from shared.rabbit.batch_bounds import CLASS, MAX_FILTERED, WIRE_ARTICLE
from shared.rabbit.batch_bounds import LATEST_MS as LATEST_MS
from shared.rabbit.corrections import parse_correction

MAX_READS = 100_000
"""Upper bound for people's reads in a batch, twenty times ingest's own bound."""
MAX_GROUPS = 100_000
"""Upper bound for groups in a batch; ingest makes at most about 15,000."""
MAX_SOURCES = 1_000
"""Upper bound for sources in a batch; ingest makes one, or two at the turn of a quarter."""
MAX_BATCH_BYTES = 16 * 1024 * 1024

_LATEST_DAY = LATEST_MS // DAY_MS
_LONGEST_ID = 32
_REFERRERS = frozenset(REFERRERS)
_DEVICES = frozenset(DEVICES)
_HASHES = re.compile(r"[A-Za-z0-9_-]*")
_BATCH_ID = re.compile(r"[0-9a-z]{1,64}-[0-9]{12}|h[0-9a-f]{64}")


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
    return name, number if type(number) is int and 0 < number <= MAX_READS else 0


def parse(headers: Mapping[str, Any], body: bytes) -> Batch:
    """Parse a batch of version 1 or 2, or a correcting batch.
    Raises `Permanent` with the reason `bad_headers` or `bad_body`, and the fault.
    """
    name, minted, number = identify(headers)
    if len(body) > MAX_BATCH_BYTES:
        raise Permanent("bad_body", f"the body has {len(body)} bytes, more than {MAX_BATCH_BYTES}")
    try:
        batch = _batch(name, minted, number, orjson.loads(body))
    except orjson.JSONDecodeError as error:
        raise Permanent("bad_body", f"not a batch: {error!r:.200}") from error
    except KeyError as error:
        raise Permanent("bad_body", f"not a batch: it has no {error}") from error
    except (TypeError, ValueError) as error:
        raise Permanent("bad_body", f"not a batch: {error!s:.200}") from error
    if batch.reads != number:
        raise Permanent(
            "bad_body", f"the header says {number} reads of people, the body holds {batch.reads}"
        )
    return batch


def _batch(name: str, minted: int, number: int, content: Any) -> Batch:
    version = content.get("v", 1) if type(content) is dict else None
    if type(version) is not int or version not in (1, 2, 3):
        raise ValueError(f"version {version!r:.20} is not known here; a newer counter may count it")
    if version == 1:
        filtered = content.get("filtered", {})
        return Batch(name, minted, _version_1(content["reads"], filtered, number, minted))
    if version == 3:
        moves, changed = parse_correction(content, minted)
        return Batch(name, minted, [], sources=tuple(changed), moves=moves)
    groups, hashes = _version_2(content["groups"], minted), content.get("visitors", "")
    _check_hashes(hashes, sum([group[-1] for group in groups]))
    sources = _sources(content["sources"], groups) if "sources" in content else ()
    # `agents` may have any form: only a recount looks at it.
    return Batch(name, minted, groups, hashes, sources, content.get("agents"))


def _version_2(rows: Any, minted: int) -> list[Group]:
    if type(rows) is not list or len(rows) > MAX_GROUPS:
        raise ValueError(f"groups is not a list of at most {MAX_GROUPS}")
    groups: list[Group] = []
    filtered, latest = 0, (minted + AHEAD_MS) // QUARTER_MS
    for row in rows:
        if type(row) is not list or len(row) != 6:
            raise ValueError(f"a group has 6 values, not {row!r:.60}")
        kind, article, quarter, number, salt_day, visitors = row
        if not (
            type(quarter) is type(number) is type(salt_day) is type(visitors) is int
            and type(kind) is type(article) is str
            and 0 < quarter <= latest
            and number > 0
            and (
                (len(article) <= _LONGEST_ID and _is_article(article))
                or (article == NO_ARTICLE and kind not in PEOPLE)
            )
            and (
                visitors == salt_day == 0
                or (kind == READER and 0 < visitors <= number and 0 < salt_day < _LATEST_DAY)
            )
        ):
            raise ValueError(f"a group is malformed: {row!r:.100}")
        if kind not in PEOPLE:
            filtered += number
            if kind not in FILTERED_CLASSES:
                kind = _other(kind)
        groups.append((kind, article, quarter, number, salt_day, visitors))
    if filtered > MAX_FILTERED:
        raise ValueError("more reads are filtered than any ingest has seen")
    return groups


@lru_cache(maxsize=10_000)
def _is_article(text: str) -> bool:
    """True for an article's id. Only texts of its length are cached: a few MB."""
    return WIRE_ARTICLE.fullmatch(text) is not None


def _other(kind: str) -> str:
    """`OTHER_CLASS`, for an unknown class.
    With the class's own name a bucket's document could grow without bound.
    """
    if not CLASS.fullmatch(kind):
        raise ValueError(f"a group or source has the class {kind!r:.60}")
    return OTHER_CLASS


def _sources(rows: Any, groups: list[Group]) -> tuple[Source, ...]:
    if type(rows) is not list or len(rows) > MAX_SOURCES:
        raise ValueError(f"sources is not a list of at most {MAX_SOURCES}")
    readers = _readers(groups)
    sources: list[Source] = []
    for row in rows:
        if type(row) is not list or len(row) != 3 or type(row[0]) is not int:
            raise ValueError(f"a source is [quarter, referrers, devices], not {row!r:.60}")
        quarter, referrers, devices = row
        most = readers.pop(quarter, 0)
        sources.append(
            (quarter, _classes(referrers, _REFERRERS, most), _classes(devices, _DEVICES, most))
        )
    return tuple(sources)


def _classes(sums: Any, known: frozenset[str], most: int) -> dict[str, int]:
    if type(sums) is not dict:
        raise ValueError(f"a source has {sums!r:.60} in place of sums by class")
    unknown: list[str] = []
    for kind, number in sums.items():
        if type(number) is not int or not 0 < number <= most:
            raise ValueError(f"a source has other reads than there are: {sums!r:.100}")
        most -= number
        if kind not in known:
            unknown.append(kind)
    for kind in unknown:
        number, kind = sums.pop(kind), _other(kind)
        sums[kind] = sums.get(kind, 0) + number
    return sums


def _readers(groups: list[Group]) -> dict[int, int]:
    """Reads of class reader by quarter. Nearly all groups of a batch have one quarter: the mapping
    is asked once for each run of them.
    """
    readers: dict[int, int] = {}
    of_run, of_quarter = 0, 0
    for kind, _, quarter, number, _, _ in groups:
        if kind == READER:
            if quarter != of_quarter:
                readers[of_quarter] = of_run
                of_run, of_quarter = readers.get(quarter, 0), quarter
            of_run += number
    readers[of_quarter] = of_run
    return readers


def _check_hashes(joined: Any, visitors: int) -> None:
    if (
        type(joined) is not str
        or len(joined) != (visitors * 32 + 2) // 3
        or not _HASHES.fullmatch(joined)
    ):
        raise ValueError(f"visitors is not the base64url of {visitors} times 8 bytes")


def _version_1(reads: Any, filtered: Any, number: int, minted: int) -> list[Group]:
    if type(reads) is not list or len(reads) != number:
        raise ValueError(f"the header says {number} reads, the body holds another number")
    sums: Counter[tuple[str, str, int]] = Counter()
    for article, accepted_at, kind, visitor in reads:
        if not (type(article) is type(kind) is type(visitor) is str and type(accepted_at) is int):
            raise TypeError("a read is [text, milliseconds, text, text]")
        if not WIRE_ARTICLE.fullmatch(article) or not 0 < accepted_at <= minted + AHEAD_MS:
            raise ValueError("a read has an impossible article or time")
        # Version 1's counter counted reads of every class, so none may become filtered here.
        sums[BATCH if kind == BATCH else READER, article, accepted_at // QUARTER_MS] += 1
    if type(filtered) is not dict:
        raise TypeError("filtered is not a mapping of reasons to numbers")
    for reason, times in filtered.items():
        if not CLASS.fullmatch(reason) or type(times) is not int or not 0 <= times < MAX_FILTERED:
            raise ValueError("filtered is not a mapping of reasons to numbers")
        if times:
            kind = reason if reason in FILTERED_CLASSES else OTHER_CLASS
            sums[kind, NO_ARTICLE, minted // QUARTER_MS] += times
    return [(*key, times, 0, 0) for key, times in sums.items()]
