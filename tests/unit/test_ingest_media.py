"""Pictures are known by decoding them, whatever their name says, and tell nothing about their maker."""

import struct
import zlib
from io import BytesIO
from typing import Any

import pytest
from PIL import Image, PngImagePlugin

from services.ingest.media import Refused, look_at

ORIENTATION, GPS = 0x0112, 0x8825


def picture(kind: str, size: tuple[int, int] = (40, 20), **options: Any) -> bytes:
    """A picture whose left half is red and whose right half is blue."""
    image = Image.new("RGB", size, "red")
    image.paste("blue", (size[0] // 2, 0, size[0], size[1]))
    written = BytesIO()
    image.save(written, kind, **options)
    return written.getvalue()


def exif(orientation: int = 1) -> Image.Exif:
    """What a telephone writes."""
    said = Image.Exif()
    said[ORIENTATION] = orientation
    said[0x010F] = "Máy ảnh"
    said.get_ifd(GPS)[2] = (21.0, 23.0, 0.0)
    return said


def refusal(data: bytes) -> str:
    with pytest.raises(Refused) as refused:
        look_at(data)
    return str(refused.value)


@pytest.mark.parametrize(
    ("kind", "extension", "media_type"),
    [
        ("JPEG", "jpg", "image/jpeg"),
        ("PNG", "png", "image/png"),
        ("GIF", "gif", "image/gif"),
        ("WEBP", "webp", "image/webp"),
        ("AVIF", "avif", "image/avif"),
    ],
)
def test_what_tells_nothing_is_kept_to_the_byte(kind: str, extension: str, media_type: str) -> None:
    data = picture(kind)
    seen = look_at(data)
    assert (seen.type, seen.width, seen.height) == (media_type, 40, 20)
    assert seen.name.partition(".")[2] == extension
    if kind != "AVIF":
        assert seen.data == data
    assert look_at(data) == seen


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_place_and_camera_are_taken_off(kind: str) -> None:
    seen = look_at(picture(kind, exif=exif()))
    with Image.open(BytesIO(seen.data)) as kept:
        assert dict(kept.getexif()) == {}
        assert kept.size == (40, 20)
    assert "Máy".encode() not in seen.data
    assert look_at(seen.data).data == seen.data


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_is_turned_upright(kind: str) -> None:
    seen = look_at(picture(kind, exif=exif(6)))  # to be turned by 90° clockwise
    assert (seen.width, seen.height) == (20, 40)
    with Image.open(BytesIO(seen.data)) as kept:
        upright = kept.convert("RGB")
        top, bottom = upright.getpixel((10, 5)), upright.getpixel((10, 35))
    assert isinstance(top, tuple)
    assert isinstance(bottom, tuple)
    assert top[0] > 200 > 100 > top[2]
    assert bottom[2] > 200 > 100 > bottom[0]


def test_comments_and_texts_are_taken_off() -> None:
    said = PngImagePlugin.PngInfo()
    said.add_text("Author", "Nguyễn Văn A")
    assert b"Author" not in look_at(picture("PNG", pnginfo=said)).data
    assert b"bi mat" not in look_at(picture("JPEG", comment=b"bi mat")).data
    assert b"bi mat" not in look_at(picture("GIF", comment=b"bi mat")).data


def test_an_animation_stays_one() -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "green", "blue")]
    for kind in ("GIF", "WEBP", "PNG"):
        written = BytesIO()
        frames[0].save(written, kind, save_all=True, append_images=frames[1:])
        seen = look_at(written.getvalue())
        with Image.open(BytesIO(seen.data)) as kept:
            assert getattr(kept, "n_frames", 1) == 3


def test_the_name_is_made_of_the_content_alone() -> None:
    assert look_at(picture("PNG")).name == look_at(picture("PNG")).name != look_at(picture("PNG", (41, 20))).name


def bomb(width: int, height: int) -> bytes:
    """A PNG that says that it is very large, in 60 bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(("width", "height"), [(30_000, 30_000), (7_100, 7_100), (30_001, 1), (2**31 - 1, 2**31 - 1)])
def test_a_bomb_is_refused_before_it_is_decoded(width: int, height: int) -> None:
    assert refusal(bomb(width, height)).endswith(f"this has {width} × {height}")


def test_too_many_frames_are_refused() -> None:
    written = BytesIO()
    frames = [Image.new("P", (1, 1), number % 2) for number in range(501)]
    frames[0].save(written, "GIF", save_all=True, append_images=frames[1:], duration=1, optimize=False)
    assert refusal(written.getvalue()).startswith("must have at most 500 frames")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xd8\xff",
        b"\xff\xd8\xff\xe0\x00\x10JFIF",
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
        b"GIF89a",
        b"GIF89a<script>alert(1)</script>",
        b"RIFF\x24\x00\x00\x00WEBPVP8 ",
        b"\x00\x00\x00\x20ftypavif\x00",
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"<?xml version='1.0'?><svg/>",
        b"<html>",
        b"%PDF-1.7",
        b"%!PS-Adobe-3.0 EPSF-3.0",
        b"MZ\x90",
        b"BM" + b"\0" * 60,
        b"RIFF\x24\x00\x00\x00WAVEfmt ",
        b"\x00\x00\x00\x20ftypisom",
    ],
)
def test_anything_else_is_refused(data: bytes) -> None:
    assert refusal(data)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_that_is_cut_off_is_refused(kind: str) -> None:
    data = picture(kind, (400, 300))
    assert refusal(data[: len(data) // 2])
