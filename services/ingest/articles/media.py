"""Pictures: checked by decoding them, and stripped of metadata. Pure.

A phone's photograph contains the place where it was taken. So only the parts of a file that show
the picture are kept (`picture_parts`). A picture that EXIF rotates is written again, upright.
"""

from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from typing import Literal, get_args

from PIL import Image

from services.ingest.articles.not_pictures import what_is_wrong
from services.ingest.articles.picture_parts import is_lossless, shown, tells

Type = Literal["image/jpeg", "image/png", "image/gif", "image/webp", "image/avif"]
PICTURE_TYPES: tuple[str, ...] = get_args(Type)
MAX_PIXELS = 50_000_000
"""Upper bound for the pixels of one frame; decoded, a pixel takes 3 to 4 bytes."""
MAX_SIDE = 30_000
MAX_FRAMES = 500
MAX_PIXELS_IN_ALL = 250_000_000
"""Upper bound for the pixels of all frames of an animation, because each frame is decoded."""
_KINDS: dict[str, tuple[str, Type]] = {
    "JPEG": ("jpg", "image/jpeg"),
    "PNG": ("png", "image/png"),
    "GIF": ("gif", "image/gif"),
    "WEBP": ("webp", "image/webp"),
    "AVIF": ("avif", "image/avif"),
}
_FORMATS = tuple(_KINDS)
_ORIENTATION = 0x0112
_TURNS: dict[object, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""The transposition that turns a picture upright, by its EXIF orientation."""

# This module checks the size before it decodes.
# Pillow's own limit would only warn, and raise at twice the limit.
Image.MAX_IMAGE_PIXELS = None


class PictureRefused(ValueError):
    """The picture is not accepted; the text, for the editor, says why."""


@dataclass(frozen=True)
class Picture:
    """A picture as stored: `name` is `<32 hex digits>.<extension>`, made from the hash of
    `data`.
    """

    name: str
    type: Type
    data: bytes
    width: int
    height: int


def look_at(data: bytes) -> Picture:
    """Decode a picture and strip its metadata.
    Raises `PictureRefused` for anything but JPEG, PNG, GIF, WebP or AVIF.
    """
    try:
        image = Image.open(BytesIO(data), formats=_FORMATS)
    except Exception:  # whatever its decoders raise at bytes that are no picture
        raise PictureRefused(what_is_wrong(data)) from None
    with image:
        _check_size(image)
        try:
            _decode(image)
            cleared = _cleared(image, data)
            width, height = image.size if cleared == data else _size_of(cleared)
        except PictureRefused:
            raise
        except Exception as error:  # a decoder raises whatever its format's authors thought of
            why = (
                str(error)[:100]
                if isinstance(error, OSError | SyntaxError | ValueError)
                else "a part of it is missing"
            )
            raise PictureRefused(f"is damaged and can't be decoded: {why}") from None
        extension, kind = _KINDS[_kind_of(image)]
    return Picture(f"{sha256(cleared).hexdigest()[:32]}.{extension}", kind, cleared, width, height)


def _check_size(image: Image.Image) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise PictureRefused(
            f"must have at most {MAX_PIXELS // 1_000_000} million pixels and {MAX_SIDE} on a side; "
            f"this has {width} × {height}"
        )


def _frames_of(image: Image.Image) -> int:
    """The number of frames. Of an MPO, a camera's file with several JPEG pictures, only the
    first picture counts.
    """
    return 1 if image.format == "MPO" else getattr(image, "n_frames", 1)


def _decode(image: Image.Image) -> None:
    """Decode every frame. Counting them reads the whole file, so check the size of one frame
    first.
    """
    frames = _frames_of(image)
    if frames > MAX_FRAMES or frames * image.width * image.height > MAX_PIXELS_IN_ALL:
        raise PictureRefused(
            f"must have at most {MAX_FRAMES} frames and "
            f"{MAX_PIXELS_IN_ALL // 1_000_000} million pixels in all"
        )
    for frame in range(frames):
        image.seek(frame)
        image.load()


def _cleared(image: Image.Image, data: bytes) -> bytes:
    """The file without metadata.
    Pixels are encoded again only to rotate them, and for an AVIF with metadata.
    """
    kind, turn = _kind_of(image), _turn(image)
    if turn is not None or (kind == "AVIF" and tells(data)):
        data = _written_again(image, kind, turn, kind == "WEBP" and is_lossless(data))
    return shown(kind, data)


def _turn(image: Image.Image) -> Image.Transpose | None:
    """The transposition that turns the picture upright; None if it is upright."""
    try:
        return _TURNS.get(image.getexif().get(_ORIENTATION))
    except Exception:  # EXIF that can't be read turns no picture, and is taken off
        return None


def _written_again(
    image: Image.Image, kind: str, turn: Image.Transpose | None, lossless: bool
) -> bytes:
    """The picture rotated and encoded again, with the times of its frames."""
    number = _frames_of(image)
    if number * image.width * image.height > MAX_PIXELS or getattr(image, "default_image", False):
        raise PictureRefused(
            "is an animation too large to be turned or cleared; send it upright and without "
            "EXIF and XMP"
        )
    frames, durations = list[Image.Image](), list[object]()
    for frame in range(number):
        image.seek(frame)
        frames.append(image.copy() if turn is None else image.transpose(turn))
        durations.append(image.info.get("duration"))
    written = BytesIO()
    frames[0].save(  # the writer of each format takes the options that it knows
        written,
        kind,
        icc_profile=image.info.get("icc_profile"),
        quality=92 if kind == "JPEG" else 90,
        lossless=lossless,
        exact=lossless,
        append_images=frames[1:],
        duration=durations,
        loop=image.info.get("loop"),
        disposal=0,  # with blend: Pillow has put the frames together
        blend=0,
    )
    return written.getvalue()


def _size_of(data: bytes) -> tuple[int, int]:
    """The size of a stripped picture, which proves that it can still be decoded."""
    with Image.open(BytesIO(data), formats=_FORMATS) as image:
        _decode(image)
        return image.size


def _kind_of(image: Image.Image) -> str:
    return "JPEG" if image.format == "MPO" else str(image.format)
