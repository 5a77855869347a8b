"""Ids of articles that a `POST` creates. Pure."""

import secrets
import string
from hashlib import sha256

import orjson

_ALPHABET = string.ascii_lowercase + string.digits


def random_id() -> str:
    """A new id: 12 of a-z and 0-9."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(12))


def minted_id(token: str, key: str) -> str:
    """The id of the article that a `POST` with the `Idempotency-Key` `key` creates,
    for the token named `token`.
    """
    number = int.from_bytes(sha256(orjson.dumps([token, key])).digest())
    letters = []
    for _ in range(12):
        number, letter = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[letter])
    return "".join(letters)
