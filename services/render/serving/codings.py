"""Content codings: which one a client takes, and the entity tag of each. Pure."""

import re
from functools import lru_cache

IDENTITY, GZIP, BROTLI = b"", b"gzip", b"br"
_TAIL = {GZIP: b'-g"', BROTLI: b'-b"'}
_WEIGHT = re.compile(rb"q=([01](?:\.[0-9]{0,3})?)")
_LONGEST = 200
"""Longest header whose answer is kept in memory. Browsers send about 30 bytes."""
_COMPRESSED = re.compile(rb"text/|application/[a-z.+-]*(json|xml)|image/svg\+xml")


def best_coding(accepted: bytes | None, offered: tuple[bytes, ...]) -> bytes:
    """The coding of `offered`, best first, that an `Accept-Encoding` header prefers; `IDENTITY` if
    it takes none of them. RFC 9110, 12.5.3.

    Without a header a client takes anything; but some then mean that they know no coding.
    """
    if not accepted or not offered:
        return IDENTITY
    if len(accepted) > _LONGEST:
        return _best(accepted, offered)
    return _kept_best(accepted, offered)


def _best(accepted: bytes, offered: tuple[bytes, ...]) -> bytes:
    weights = dict(_weight(part) for part in accepted.lower().split(b",") if part.strip())
    every = weights.get(b"*", 0.0)
    found = [(weights.get(coding, every), -rank, coding) for rank, coding in enumerate(offered)]
    weight, _, coding = max(found)
    return coding if weight > 0 and weight >= weights.get(b"identity", 0.0) else IDENTITY


_kept_best = lru_cache(maxsize=256)(_best)


def _weight(part: bytes) -> tuple[bytes, float]:
    name, _, parameter = part.partition(b";")
    name = name.strip().removeprefix(b"x-")
    if not parameter.strip():
        return name, 1.0
    match = _WEIGHT.fullmatch(parameter.replace(b" ", b"").replace(b"\t", b""))
    return name, min(1.0, float(match[1])) if match else 0.0


def tag_in(coding: bytes, tag: bytes) -> bytes:
    """The entity tag of a body in `coding`, whose tag without a coding is `tag`."""
    return tag[:-1] + _TAIL[coding] if coding else tag


def is_compressed(content_type: bytes) -> bool:
    """Whether bodies of this type get shorter by compression."""
    return _COMPRESSED.match(content_type) is not None
