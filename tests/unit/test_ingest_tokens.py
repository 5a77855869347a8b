"""Bearer tokens: read from the settings, found by their hash, held to their scopes."""

from hashlib import sha256

import pytest

from services.ingest.reads.read_batches import keyed_id
from services.ingest.tokens import (
    Token,
    digest_of_token,
    find,
    parse_tokens,
    presents,
    require,
)
from shared.base.errors import Problem

# printf 'open sesame' | sha256sum
SESAME = "41ef4bb0b23661e66301aac36066912dac037827b4ae63a7b1165a5aa93ed4eb"
OTHER = sha256(b"other").hexdigest()
CMS = Token("cms", frozenset({"articles"}), SESAME)
APP = Token("app-1", frozenset({"articles", "reads"}), OTHER)


def test_tokens_are_read_from_one_line() -> None:
    assert parse_tokens(f"cms:articles:{SESAME}, app-1:reads+articles:{OTHER},") == (CMS, APP)
    assert parse_tokens("") == ()


def test_a_name_may_have_two_tokens_while_one_replaces_the_other() -> None:
    """A batch that is repeated with the next token keeps its id, which the name is a part of."""
    both = parse_tokens(f"app:reads:{SESAME},app:reads:{OTHER}")
    old, new = find(both, "Bearer open sesame"), find(both, "Bearer other")
    assert old is not None
    assert new is not None
    assert (old.digest, new.digest) == (SESAME, OTHER)
    assert keyed_id(old.name, "key") == keyed_id(new.name, "key")


def test_the_settings_hold_the_hash_of_a_token() -> None:
    assert digest_of_token("open sesame") == SESAME


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"CMS:articles:{SESAME}", "entry 1 must be name:scope"),
        (f"app:reads:{OTHER},:articles:{SESAME}", "entry 2 must be name:scope"),
        ("cms", "entry 1 must be name:scope"),
        (f"cms::{SESAME}", "the scopes of cms must be among articles, reads"),
        (f"cms:articles+admin:{SESAME}", "the scopes of cms must be among articles, reads"),
        ("cms:articles", "entry 1 must be name:scope"),
        ("cms:articles:open sesame", "the digest of cms must be the SHA-256"),
        (f"cms:articles:{SESAME.upper()}", "the digest of cms must be the SHA-256"),
        (f"app:reads:{OTHER},cms:articles:{SESAME}0", "the digest of cms must be the SHA-256"),
        (f"cms:articles:{SESAME},app:articles:{SESAME}", "the digest of app is given twice"),
        (f"cms:articles:{SESAME},cms:reads:{OTHER}", "all tokens of cms must have the same scopes"),
    ],
)
def test_an_entry_that_is_wrong_is_named(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}") as error:
        parse_tokens(text)
    assert "open sesame" not in str(error.value)


@pytest.mark.parametrize(
    "header", ["Bearer open sesame", "bearer open sesame", "BEARER   open sesame  "]
)
def test_a_token_is_found_by_what_is_presented(header: str) -> None:
    assert find((CMS, APP), header) == CMS
    assert find((APP, CMS), header) == CMS


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer open",
        "open sesame",
        "Basic open sesame",
        f"Bearer {SESAME}",
    ],
)
def test_nothing_else_is_a_token(header: str | None) -> None:
    assert find((CMS, APP), header) is None


@pytest.mark.parametrize(
    ("header", "text"),
    [
        *((header, None) for header in (None, b"", b"Bearer", b"Bearer ", b"Basic x", b"x")),
        (b"bearer x", "bearer x"),
        (b"Bearer \xe9", "Bearer \u00e9"),
    ],
)
def test_a_header_presents_a_token_by_its_scheme(header: bytes | None, text: str | None) -> None:
    assert presents(header) == text


def test_bytes_that_are_no_text_are_no_token_and_no_bug() -> None:
    assert find((CMS,), b"Bearer \xff\xfe".decode("utf-8", "surrogateescape")) is None


def test_without_tokens_nobody_may_write() -> None:
    assert find((), "Bearer open sesame") is None


def test_a_token_must_have_the_scope() -> None:
    assert require((CMS, APP), "Bearer other", "reads") == APP
    with pytest.raises(Problem, match="the token cms lacks the scope reads") as problem:
        require((CMS, APP), "Bearer open sesame", "reads")
    assert (problem.value.status, problem.value.headers) == (403, [])


def test_a_missing_token_is_asked_for() -> None:
    with pytest.raises(Problem, match="a valid bearer token is needed") as problem:
        require((CMS,), None, "articles")
    assert (problem.value.status, problem.value.headers) == (
        401,
        [("www-authenticate", 'Bearer realm="luotdoc"')],
    )
