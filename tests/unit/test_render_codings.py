"""Which coding an `Accept-Encoding` header takes."""

import pytest

from services.render.serving.codings import (
    BROTLI,
    GZIP,
    IDENTITY,
    best_coding,
    is_compressed,
    tag_in,
)


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        (None, IDENTITY),
        (b"", IDENTITY),
        (b"identity", IDENTITY),
        (b"gzip", GZIP),
        (b"GZip", GZIP),
        (b"x-gzip", GZIP),
        (b"gzip, deflate, br, zstd", GZIP),
        (b"deflate, br;q=0.5", IDENTITY),
        (b"gzip;q=0", IDENTITY),
        (b"gzip;q=0.000, *", IDENTITY),
        (b"gzip ; q=0.001", GZIP),
        (b"*", GZIP),
        (b"*;q=0", IDENTITY),
        (b"br, *;q=0.1", GZIP),
        (b"identity;q=0", IDENTITY),  # nothing is left, so the client gets it all the same
        (b"identity;q=0, gzip;q=0.1", GZIP),
        (b"identity;q=1, gzip;q=0.5", IDENTITY),
        (b"identity;q=0.5, gzip;q=0.5", GZIP),
        (b"gzip;q=x", IDENTITY),
        (b"gzip;level=1", IDENTITY),
        (b"gzipped", IDENTITY),
        (b" , gzip,, ", GZIP),
        (b"gzip" + b", br" * 100, GZIP),
    ],
)
def test_a_client_gets_a_coding_that_it_takes(accepted: bytes | None, coding: bytes) -> None:
    assert best_coding(accepted, (GZIP,)) == coding


def test_the_heavier_coding_wins_then_the_better_one() -> None:
    both = (BROTLI, GZIP)
    assert best_coding(b"gzip, br", both) == BROTLI
    assert best_coding(b"gzip, br;q=0.9", both) == GZIP
    assert best_coding(b"gzip", both) == GZIP
    assert best_coding(b"*", both) == BROTLI
    assert best_coding(b"gzip", ()) == IDENTITY


def test_each_coding_has_a_tag_of_its_own() -> None:
    assert [tag_in(each, b'"abc"') for each in (IDENTITY, GZIP, BROTLI)] == [
        b'"abc"',
        b'"abc-g"',
        b'"abc-b"',
    ]


def test_text_is_compressed_and_pictures_are_not() -> None:
    for kind in (
        b"text/html; charset=utf-8", b"text/css; charset=utf-8", b"image/svg+xml",
        b"application/rss+xml; charset=utf-8", b"application/atom+xml", b"application/xml",
        b"application/json", b"application/manifest+json", b"application/ld+json",
    ):  # fmt: skip
        assert is_compressed(kind), kind
    for kind in (b"image/png", b"font/woff2", b"image/webp", b"application/octet-stream"):
        assert not is_compressed(kind), kind
