"""Pictures are known by what they hold, whatever their name says."""

import pytest

from services.ingest.media import identify
from shared.errors import Problem


@pytest.mark.parametrize(
    ("data", "extension", "kind"),
    [
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "jpg", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "png", "image/png"),
        (b"GIF87a...", "gif", "image/gif"),
        (b"GIF89a...", "gif", "image/gif"),
        (b"RIFF\x24\x00\x00\x00WEBPVP8 ", "webp", "image/webp"),
        (b"\x00\x00\x00\x20ftypavif\x00", "avif", "image/avif"),
        (b"\x00\x00\x00\x20ftypavis\x00", "avif", "image/avif"),
    ],
)
def test_the_type_is_sniffed(data: bytes, extension: str, kind: str) -> None:
    picture = identify(data)
    assert picture.type == kind
    assert picture.name.partition(".")[2] == extension


def test_the_name_is_made_of_the_content_alone() -> None:
    # printf 'GIF89a' | sha256sum
    assert identify(b"GIF89a").name == "610f5ae4d76e332636a17bd357fd6ce9.gif"
    assert identify(b"GIF89a ").name != identify(b"GIF89a").name


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"<?xml version='1.0'?><svg/>",
        b"<html>",
        b"%PDF-1.7",
        b"MZ\x90",
        b"\xff\xd8",
        b"\x89PNG\n\x1a\n",
        b"RIFF\x24\x00\x00\x00WAVEfmt ",
        b"\x00\x00\x00\x20ftypisom",
        b" GIF89a",
    ],
)
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(Problem) as problem:
        identify(data)
    assert problem.value.status == 422
    assert problem.value.errors == [{"path": "body", "message": "must be a JPEG, PNG, GIF, WebP or AVIF picture"}]
