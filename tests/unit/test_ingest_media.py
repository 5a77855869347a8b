"""Pictures are known by decoding them, whatever their name says, and tell nothing about their
maker.
"""

import struct
import zlib
from io import BytesIO
from typing import Any

import pytest
from PIL import Image, ImageCms, ImageOps, PngImagePlugin

from services.ingest.articles.media import PICTURE_TYPES, PictureRefused, look_at

MEDIA = "services.ingest.articles.media"
ORIENTATION, GPS = 0x0112, 0x8825


SECRET = b"bi mat"
XMP = b'<x:xmpmeta tiff:Orientation="1">bi mat</x:xmpmeta>'


def picture(kind: str, size: tuple[int, int] = (40, 20), **options: Any) -> bytes:
    """A picture whose left half is red and whose right half is blue."""
    image = Image.new("RGB", size, "red")
    image.paste("blue", (size[0] // 2, 0, size[0], size[1]))
    written = BytesIO()
    if kind == "MPO":  # a camera's file: a second JPEG picture follows
        options["append_images"] = [Image.new("RGB", size, "white")]
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
    with pytest.raises(PictureRefused) as refused:
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


def test_the_types_announced_are_those_that_are_found() -> None:
    found = tuple(look_at(data).type for data in (JPEG, PNG, GIF, WEBP, AVIF))
    assert found == PICTURE_TYPES


def test_only_a_file_that_changes_is_opened_again(monkeypatch: pytest.MonkeyPatch) -> None:
    opened, real = list[object](), Image.open

    def noting(file: Any, **options: Any) -> Image.Image:
        opened.append(file)
        return real(file, **options)

    monkeypatch.setattr(Image, "open", noting)
    look_at(PNG)
    assert len(opened) == 1
    look_at(PNG + TAIL)
    assert len(opened) == 3


def test_a_camera_s_file_with_two_pictures_is_its_first_one() -> None:
    data = picture("MPO")
    with Image.open(BytesIO(data)) as image:
        assert (image.format, getattr(image, "n_frames", 1)) == ("MPO", 2)
    seen = look_at(data[:-300])  # the second picture, which is removed, need not be whole
    assert (seen.type, seen.name[-4:], seen.width) == ("image/jpeg", ".jpg", 40)
    with Image.open(BytesIO(seen.data)) as kept:
        assert kept.format == "JPEG"
        assert kept.convert("RGB").getpixel((5, 5)) == (254, 0, 0)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "MPO"])
def test_place_and_camera_are_taken_off(kind: str) -> None:
    seen = look_at(picture(kind, exif=exif(), xmp=XMP))
    with Image.open(BytesIO(seen.data)) as kept:
        assert dict(kept.getexif()) == {}
        assert kept.size == (40, 20)
    assert "Máy".encode() not in seen.data
    assert SECRET not in seen.data
    assert look_at(seen.data).data == seen.data


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "MPO"])
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


TIMES = [100, 200, 300, 400]


def animation(kind: str, size: tuple[int, int] = (60, 40), **options: Any) -> bytes:
    """Four frames whose left half is red; the right half differs."""
    frames = [Image.new("RGB", size, colour) for colour in ("black", "green", "blue", "white")]
    for frame in frames:
        frame.paste("red", (0, 0, size[0] // 2, size[1]))
    written = BytesIO()
    frames[0].save(
        written, kind, save_all=True, append_images=frames[1:], duration=TIMES, **options
    )
    return written.getvalue()


def times(data: bytes) -> list[int]:
    with Image.open(BytesIO(data)) as image:
        found = []
        for frame in range(getattr(image, "n_frames", 1)):
            image.seek(frame)
            image.load()
            found.append(round(image.info["duration"]))
        return found


@pytest.mark.parametrize("kind", ["WEBP", "AVIF", "PNG"])
def test_an_animation_with_exif_keeps_its_times_and_loops(kind: str) -> None:
    seen = look_at(animation(kind, exif=exif(), loop=3))
    assert times(seen.data) == TIMES
    with Image.open(BytesIO(seen.data)) as kept:
        assert dict(kept.getexif()) == {}
        assert kind == "AVIF" or kept.info["loop"] == 3
    assert "Máy".encode() not in seen.data


@pytest.mark.parametrize("kind", ["WEBP", "PNG"])  # Pillow can't write such an AVIF
def test_every_frame_of_an_animation_is_turned(kind: str) -> None:
    seen = look_at(animation(kind, exif=exif(6), loop=3))
    assert (seen.width, seen.height) == (40, 60)
    assert times(seen.data) == TIMES
    with Image.open(BytesIO(seen.data)) as kept:
        assert kept.info["loop"] == 3
        for frame in range(4):
            kept.seek(frame)
            assert kept.size == (40, 60)
            top = kept.convert("RGB").getpixel((20, 10))
            assert isinstance(top, tuple)
            assert top[0] > 200 > 60 > top[1]


def test_an_animation_too_large_to_be_turned_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{MEDIA}.MAX_PIXELS", 4 * 60 * 40)
    assert look_at(animation("WEBP", exif=exif(6))).width == 40
    monkeypatch.setattr(f"{MEDIA}.MAX_PIXELS", 4 * 60 * 40 - 1)
    assert look_at(animation("WEBP", exif=exif())).width == 60
    assert refusal(animation("WEBP", exif=exif(6))).startswith(
        "is an animation too large to be turned"
    )


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pixels_stay_as_they_were_sent(orientation: int) -> None:
    noise = Image.effect_noise((31, 17), 80).convert("RGB")
    written = BytesIO()
    noise.save(written, "WEBP", lossless=True, exif=exif(orientation))
    noise.getexif()[ORIENTATION] = orientation
    upright = ImageOps.exif_transpose(noise)
    with Image.open(BytesIO(look_at(written.getvalue()).data)) as kept:
        assert kept.convert("RGB").tobytes() == upright.tobytes()


@pytest.mark.parametrize(("kind", "quality"), [("JPEG", 92), ("WEBP", 90), ("AVIF", 90)])
def test_a_turned_picture_is_written_in_high_quality(kind: str, quality: int) -> None:
    with Image.open(BytesIO(picture(kind, exif=exif(6)))) as sent:
        wanted = BytesIO()
        upright = sent.convert("RGB").transpose(Image.Transpose.ROTATE_270)
        upright.save(wanted, kind, quality=quality, exif=b"")
    assert look_at(picture(kind, exif=exif(6))).data == wanted.getvalue()


def test_colours_that_nothing_shows_stay_in_a_turned_picture() -> None:
    clear, written = Image.new("RGBA", (4, 2), (1, 2, 3, 0)), BytesIO()
    clear.save(written, "WEBP", lossless=True, exact=True, exif=exif(6))
    with Image.open(BytesIO(look_at(written.getvalue()).data)) as kept:
        assert (kept.size, kept.convert("RGBA").getpixel((0, 0))) == ((2, 4), (1, 2, 3, 0))


def frames_of(data: bytes) -> list[Image.Image]:
    with Image.open(BytesIO(data)) as image:
        found = []
        for frame in range(getattr(image, "n_frames", 1)):
            image.seek(frame)
            found.append(image.convert("RGBA"))
        return found


def test_frames_that_are_drawn_over_others_show_the_same_when_turned() -> None:
    red, dot, veil, line = (
        Image.new("RGBA", (20, 10), colour)
        for colour in ("red", (0, 0, 0, 0), (0, 0, 255, 128), (0, 0, 0, 0))
    )
    dot.paste("green", (2, 2, 8, 8))
    line.paste("black", (5, 0, 9, 9))
    written = BytesIO()
    options: dict[str, Any] = {"duration": 100, "disposal": 2, "blend": 1, "exif": exif(6)}
    red.save(written, "PNG", append_images=[dot, veil, line], **options)
    sent, kept = frames_of(written.getvalue()), frames_of(look_at(written.getvalue()).data)
    turned = [frame.transpose(Image.Transpose.ROTATE_270).tobytes() for frame in sent]
    assert [frame.tobytes() for frame in kept] == turned
    assert len(set(turned)) == 4


def test_an_animation_of_two_frames_is_turned() -> None:
    written = BytesIO()
    black, white = (Image.new("RGB", (6, 4), colour) for colour in ("black", "white"))
    black.save(written, "PNG", append_images=[white], duration=[100, 200], exif=exif(6))
    seen = look_at(written.getvalue())
    assert [frame.getpixel((0, 0)) for frame in frames_of(seen.data)] == [
        (0, 0, 0, 255),
        (255, 255, 255, 255),
    ]
    assert (seen.width, times(seen.data)) == (4, [100, 200])


def test_an_animation_with_another_picture_for_old_browsers_is_not_turned() -> None:
    written = BytesIO()
    red, blue = (Image.new("RGB", (6, 4), colour) for colour in ("red", "blue"))
    options: dict[str, Any] = {"append_images": [blue, red], "default_image": True}
    red.save(written, "PNG", **options, exif=exif(6))
    assert refusal(written.getvalue()).startswith("is an animation too large to be turned")


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def segment(marker: int, content: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content


TAIL = b"<html><script>bi mat</script>"
JPEG, GIF, PNG, WEBP, AVIF = (picture(kind) for kind in ("JPEG", "GIF", "PNG", "WEBP", "AVIF"))
XMP_IN_GIF = b"\x21\xff\x0bXMP DataXMP\x06bi mat\0"
TURNED_XMP_IN_GIF = b'\x21\xff\x0bXMP DataXMP\x1bbi mat tiff:Orientation="6"\0'
COMMENT_IN_GIF = b"\x21\xfe\x06bi mat\0"
MOVING_GIF = animation("GIF", loop=3)
SECOND_FRAME = MOVING_GIF.index(b"\x21\xf9", MOVING_GIF.index(b"\x21\xf9") + 1)
RESTARTS = picture("JPEG", (400, 300), restart_marker_blocks=1, progressive=True)


def webp_chunk(kind: bytes) -> bytes:
    data = WEBP + kind + struct.pack("<I", 6) + SECRET
    return data[:4] + struct.pack("<I", len(data) - 8) + data[8:]


@pytest.mark.parametrize(
    ("data", "clean"),
    [
        *(
            (JPEG[:2] + segment(0xE0 + number, b"X\0" + SECRET) + JPEG[2:], JPEG)
            for number in range(16)
        ),
        (
            JPEG[:2] + segment(0xE1, b"http://ns.adobe.com/xmp/extension/\0" + SECRET) + JPEG[2:],
            JPEG,
        ),
        (JPEG[:2] + segment(0xFE, SECRET) + segment(0xFE, SECRET) + JPEG[2:], JPEG),
        (JPEG + TAIL, JPEG),
        (JPEG + picture("JPEG", exif=exif(), comment=SECRET), JPEG),
        (RESTARTS + TAIL, RESTARTS),
        (GIF[:-1] + COMMENT_IN_GIF + b";", GIF),
        (GIF[:-1] + XMP_IN_GIF + b";", GIF),
        (GIF[:-1] + TURNED_XMP_IN_GIF + b";", GIF),
        (GIF[:-1] + b"\x21\x01\x06bi mat\0;", GIF),
        (GIF + TAIL, GIF),
        (MOVING_GIF[:SECOND_FRAME] + COMMENT_IN_GIF + MOVING_GIF[SECOND_FRAME:], MOVING_GIF),
        (
            PNG[:33]
            + png_chunk(b"tIME", b"\x07\xea\x0b\x1a\0\0\0")
            + png_chunk(b"biMt", SECRET)
            + PNG[33:],
            PNG,
        ),
        (
            PNG[:-12]
            + png_chunk(b"eXIf", SECRET)
            + png_chunk(b"iTXt", b"a\0\0\0\0\0" + SECRET)
            + PNG[-12:],
            PNG,
        ),
        (PNG + TAIL, PNG),
        (WEBP + TAIL, WEBP),
        *((webp_chunk(kind), WEBP) for kind in (b"EXIF", b"XMP ", b"C2PA")),
        (AVIF + TAIL, AVIF),
        (AVIF + struct.pack(">I4s", 14, b"uuid") + SECRET, AVIF),
    ],
)
def test_only_what_shows_the_picture_is_kept(data: bytes, clean: bytes) -> None:
    assert SECRET in data or b"tIME" in data
    assert look_at(data).data == clean
    assert look_at(clean).data == clean


def test_colours_depth_and_profile_stay() -> None:
    deep = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 1, 16, 2, 0, 0, 0))
    deep += png_chunk(b"gAMA", struct.pack(">I", 45455)) + png_chunk(
        b"IDAT", zlib.compress(b"\0" + bytes(range(12)))
    )
    head, end = b"\x89PNG\r\n\x1a\n", png_chunk(b"IEND", b"")
    assert look_at(head + deep + png_chunk(b"tEXt", b"Author\0Nga") + end).data == head + deep + end
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for kind in ("JPEG", "PNG", "WEBP", "AVIF"):
        with Image.open(
            BytesIO(look_at(picture(kind, icc_profile=profile, exif=exif(6))).data)
        ) as kept:
            assert kept.info["icc_profile"] == profile


def test_a_thumbnail_in_the_head_of_a_jpeg_is_taken_off() -> None:
    head = segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\2\1" + SECRET)
    assert look_at(JPEG[:2] + head + JPEG[20:]).data == JPEG


def test_the_name_is_made_of_the_content_alone() -> None:
    assert (
        look_at(picture("PNG")).name
        == look_at(picture("PNG")).name
        != look_at(picture("PNG", (41, 20))).name
    )


def bomb(width: int, height: int) -> bytes:
    """A PNG that says that it is very large, in 60 bytes."""

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + png_chunk(b"IDAT", zlib.compress(b""))
        + png_chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("width", "height"), [(30_000, 30_000), (22_553, 2_217), (30_001, 1), (2**31 - 1, 2**31 - 1)]
)  # 22,553 × 2,217 are 50,000,001
def test_a_bomb_is_refused_before_it_is_decoded(width: int, height: int) -> None:
    assert refusal(bomb(width, height)).endswith(f"this has {width} × {height}")


@pytest.mark.parametrize(
    ("kind", "limit", "most"),
    [
        ("PNG", "MAX_PIXELS", 40 * 20),
        ("PNG", "MAX_SIDE", 40),
        ("moving GIF", "MAX_FRAMES", 4),
        ("moving GIF", "MAX_PIXELS_IN_ALL", 4 * 60 * 40),
    ],
)
def test_a_picture_as_large_as_a_limit_is_taken(
    monkeypatch: pytest.MonkeyPatch, kind: str, limit: str, most: int
) -> None:
    data = {"PNG": PNG, "moving GIF": MOVING_GIF}[kind]
    monkeypatch.setattr(f"{MEDIA}.{limit}", most)
    assert look_at(data).data == data
    monkeypatch.setattr(f"{MEDIA}.{limit}", most - 1)
    assert refusal(data).startswith("must have at most")


def test_too_many_frames_are_refused() -> None:
    written = BytesIO()
    frames = [Image.new("P", (1, 1), number % 2) for number in range(501)]
    frames[0].save(
        written, "GIF", save_all=True, append_images=frames[1:], duration=1, optimize=False
    )
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


@pytest.mark.parametrize(
    ("data", "hint"),
    [
        (b"", "the body is empty"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing can hold scripts"),
        (b"\xef\xbb\xbf<?xml version='1.0'?><!-- x --><svg/>", "an SVG drawing can hold scripts"),
        (b"<!doctype html><p>404", "this is a page"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "this is a HEIC photograph"),
        (b"\0\0\0\x18ftypmp42", "this is a film"),
        (picture("BMP"), "this is a BMP"),
        (picture("TIFF"), "this is a TIFF"),
        (picture("ICO"), "this is an icon"),
        (picture("JPEG2000"), "this is a JPEG 2000"),
        (b"8BPS\0\1", "this is a Photoshop document"),
        (b"%PDF-1.7", "this is a PDF"),
        (b"data:image/png;base64,iVBORw0KGgo=", "this is base64 text"),
        (b"iVBORw0KGgoAAAA", "this is base64 text"),
        (b"--x1\r\nContent-Disposition: form-data", "this is a form"),
        (WEBP[:-5], "its beginning is that of a WebP"),
        (b"\xff\xd8\xff", "its beginning is that of a JPEG"),
    ],
)
def test_a_refusal_says_what_was_sent_and_what_to_do(data: bytes, hint: str) -> None:
    assert refusal(data).startswith(f"must be a JPEG, PNG, GIF, WebP or AVIF picture; {hint}")


def test_a_picture_without_its_last_part_is_refused_in_plain_words() -> None:
    assert refusal(PNG[:-12]) == "is damaged and can't be decoded: a part of it is missing"
    assert refusal(JPEG[:-100]).startswith("is damaged and can't be decoded: image file is trunc")


def test_a_decoder_s_words_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(_kind: str, _data: bytes) -> bytes:
        raise ValueError("x" * 101)

    monkeypatch.setattr(f"{MEDIA}.shown", failing)
    assert refusal(PNG) == f"is damaged and can't be decoded: {'x' * 100}"


def test_each_frame_is_decoded() -> None:
    data = animation("PNG")
    last = data.rindex(b"fdAT") + 8
    assert refusal(data[:last] + b"\xff" * 8 + data[last + 8 :]).startswith("is damaged")


def test_a_picture_is_decoded_once_more_without_its_metadata(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(f"{MEDIA}.shown", lambda _kind, _data: JPEG[:-100])
    assert refusal(PNG).startswith("is damaged and can't be decoded: image file is truncated")


@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        (kind, mode)
        for kind, modes in (("JPEG", "L CMYK 1"), ("PNG", "L P RGBA LA 1 I;16"))
        for mode in modes.split()
    ],
)
def test_pictures_of_every_mode_are_turned(kind: str, mode: str) -> None:
    image = Image.new(mode, (40, 20))
    written = BytesIO()
    image.save(written, kind, exif=exif(6))
    seen = look_at(written.getvalue())
    with Image.open(BytesIO(seen.data)) as kept:
        assert (kept.size, kept.mode) == ((20, 40), "L" if (kind, mode) == ("JPEG", "1") else mode)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_that_is_cut_off_is_refused(kind: str) -> None:
    data = picture(kind, (400, 300))
    assert refusal(data[: len(data) // 2])
