"""What a reader's browser may send."""

import json

import pytest

from services.ingest.beacon import _article, _checked
from shared.errors import Problem


def fault(body: bytes) -> tuple[str, str]:
    """The field that is named, and what is said of it."""
    with pytest.raises(Problem) as problem:
        _article(body)
    assert problem.value.status == 422
    ((path, message),) = [(error["path"], error["message"]) for error in problem.value.errors]
    return path, message


@pytest.mark.parametrize("article", ["a", "0", "ls0001", "z" * 32])
def test_a_read_names_its_article(article: str) -> None:
    assert _article(json.dumps({"article": article}).encode()) == article
    assert _checked(article) == article


@pytest.mark.parametrize(
    "article", ["", "A", "ls-1", "z" * 33, "bài", "a b", "a\n", "a\0", "../a", 1, None, True, ["a"], {"a": 1}]
)
def test_an_article_is_an_id(article: object) -> None:
    assert fault(json.dumps({"article": article}).encode()) == ("article", "must be 1-32 of a-z and 0-9")


@pytest.mark.parametrize("body", [b"", b"{", b"article=a", b"\xff", b'{"article": NaN}', b'{"article": "a"} x'])
def test_a_body_that_is_no_json_is_named(body: bytes) -> None:
    path, message = fault(body)
    assert (path, message.startswith("must be JSON: ")) == ("body", True)


@pytest.mark.parametrize("body", [b"null", b'"a"', b"[]", b"7"])
def test_a_body_that_is_no_object_is_named(body: bytes) -> None:
    assert fault(body) == ("body", 'must be an object, {"article": id}')


def test_a_missing_article_is_named() -> None:
    assert fault(b"{}") == ("article", "is missing")
    assert fault(b'{"id": "a"}') == ("article", "is missing")


def test_a_field_too_many_is_named() -> None:
    assert fault(b'{"article": "a", "at": 5}') == ("at", "is not a field of a read")
    assert fault(b'{"visitor": "x", "article": "a"}') == ("visitor", "is not a field of a read")
