"""Bearer tokens: only their hashes are stored, and compared in constant time."""

import hmac
import re
from dataclasses import dataclass
from hashlib import sha256

from shared.base.errors import Problem

CHALLENGE_FIELDS = [("www-authenticate", 'Bearer realm="luotdoc"')]
SCOPES = frozenset({"articles", "reads"})


@dataclass(frozen=True)
class Token:
    """A token's name and scopes. `digest` is its SHA-256, 64 hex digits."""

    name: str
    scopes: frozenset[str]
    digest: str


def parse_tokens(text: str) -> tuple[Token, ...]:
    """Parse `name:scope+scope:sha256, …`. Raises ValueError that names the entry at fault.

    A name may have several tokens, while one of them replaces another. The name is a part of a
    keyed batch's id, so a batch that is repeated with the next token is still the same batch.
    """
    tokens: list[Token] = []
    for number, entry in enumerate(filter(None, (part.strip() for part in text.split(","))), 1):
        name, _, rest = entry.partition(":")
        scopes, _, digest = rest.partition(":")
        held = frozenset(scopes.split("+"))
        # An entry of another form may be the token itself: it is not repeated.
        if entry.count(":") != 2 or not re.fullmatch(r"[a-z0-9-]{1,64}", name):
            raise ValueError(
                f"entry {number} must be name:scope+scope:sha256; a name is 1-64 of a-z, 0-9 and -"
            )
        if not held <= SCOPES:
            raise ValueError(f"the scopes of {name} must be among {', '.join(sorted(SCOPES))}")
        if not re.fullmatch(r"[0-9a-f]{64}", digest):
            raise ValueError(
                f"the digest of {name} must be the SHA-256 of its token, 64 hex digits"
            )
        if any(digest == other.digest for other in tokens):
            raise ValueError(f"the digest of {name} is given twice")
        if any(name == other.name and held != other.scopes for other in tokens):
            raise ValueError(f"all tokens of {name} must have the same scopes")
        tokens.append(Token(name, held, digest))
    return tuple(tokens)


def digest_of_token(token: str) -> str:
    """The digest of a token, as in the settings."""
    return sha256(token.encode()).hexdigest()


def presents(authorization: bytes | None) -> str | None:
    """The header as the API's framework decodes it, if it presents a bearer token at all."""
    text = (authorization or b"").decode("latin-1")
    scheme, _, presented = text.partition(" ")
    return text if scheme.lower() == "bearer" and presented.strip() else None


def find(tokens: tuple[Token, ...], authorization: str | None) -> Token | None:
    """The token in an `Authorization: Bearer …` header, or None.
    Compares all tokens, so that the time says nothing.
    """
    scheme, _, presented = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not presented.strip():
        return None
    digest = sha256(presented.strip().encode("utf-8", "surrogateescape")).hexdigest()
    found = None
    for token in tokens:
        if hmac.compare_digest(token.digest, digest):
            found = token
    return found


def require(tokens: tuple[Token, ...], authorization: str | None, scope: str) -> Token:
    """The presented token if it has `scope`.
    Raises `Problem` 401 if it is missing or wrong, 403 without the scope.
    """
    token = find(tokens, authorization)
    if token is None:
        raise Problem(401, "a valid bearer token is needed", headers=CHALLENGE_FIELDS)
    if scope not in token.scopes:
        raise Problem(403, f"the token {token.name} lacks the scope {scope}")
    return token
