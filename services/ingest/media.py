"""Pictures: looked at by decoding them, cleared of what they tell about their maker. Pure.

A picture that has nothing to take off is kept to the byte. Any other is written again, upright and without EXIF, XMP,
IPTC and comments: a photograph from a telephone says where it was taken.
"""

from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from typing import Literal, get_args

from PIL import Image, ImageOps

Type = Literal["image/jpeg", "image/png", "image/gif", "image/webp", "image/avif"]
TYPES: tuple[str, ...] = get_args(Type)
MAX_PIXELS = 50_000_000
"""Of one frame; decoded it takes 3 to 4 bytes each."""
MAX_SIDE = 30_000
MAX_FRAMES = 500
MAX_PIXELS_IN_ALL = 250_000_000
"""Of an animation: each frame is decoded once."""
_KINDS: dict[str, tuple[str, Type]] = {
    "JPEG": ("jpg", "image/jpeg"),
    "PNG": ("png", "image/png"),
    "GIF": ("gif", "image/gif"),
    "WEBP": ("webp", "image/webp"),
    "AVIF": ("avif", "image/avif"),
}
_FORMATS = (*_KINDS, "MPO")
"""MPO is what a camera writes that puts several JPEG into one file."""
_TELLING = frozenset({"exif", "xmp", "XML:com.adobe.xmp", "comment", "photoshop", "mp"})
_ORIENTATION = 0x0112

# The size is judged here, before anything is decoded; Pillow's own limit warns first and raises at twice as much.
Image.MAX_IMAGE_PIXELS = None


class Refused(ValueError):
    """No picture that is taken; the text says why, for the editor."""


@dataclass(frozen=True)
class Picture:
    """A picture as it is kept: `name` is `<32 hex digits>.<extension>`, from the hash of `data`."""

    name: str
    type: Type
    data: bytes
    width: int
    height: int


def look_at(data: bytes) -> Picture:
    """Decode a picture and clear it. Raises `Refused` for anything but JPEG, PNG, GIF, WebP or AVIF."""
    try:
        image = Image.open(BytesIO(data), formats=_FORMATS)
    except Exception:  # whatever its decoders raise at bytes that are no picture
        raise Refused("must be a JPEG, PNG, GIF, WebP or AVIF picture") from None
    with image:
        _check_size(image)
        try:
            _decode(image)
            cleared = _cleared(image, data)
            width, height = _upright_size(image)
        except Refused:
            raise
        except Exception as error:  # a decoder raises whatever its format's authors thought of
            raise Refused(f"is damaged and can't be decoded: {str(error)[:100]}") from None
        extension, kind = _KINDS[_kind_of(image)]
    return Picture(f"{sha256(cleared).hexdigest()[:32]}.{extension}", kind, cleared, width, height)


def _check_size(image: Image.Image) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise Refused(
            f"must have at most {MAX_PIXELS // 1_000_000} million pixels and {MAX_SIDE} on a side; "
            f"this has {width} × {height}"
        )


def _decode(image: Image.Image) -> None:
    """Decode every frame. Counting frames reads the file through, so it comes behind the check of one's size."""
    frames = getattr(image, "n_frames", 1) if image.format != "MPO" else 1
    if frames > MAX_FRAMES or frames * image.width * image.height > MAX_PIXELS_IN_ALL:
        raise Refused(
            f"must have at most {MAX_FRAMES} frames and {MAX_PIXELS_IN_ALL // 1_000_000} million pixels in all"
        )
    for frame in range(frames):
        image.seek(frame)
        image.load()
    image.seek(0)
    image.load()


def _cleared(image: Image.Image, data: bytes) -> bytes:
    telling = image.format == "MPO" or bool(image.getexif()) or any(name in image.info for name in _TELLING)
    if not telling and not getattr(image, "text", None):
        return data
    turned = image.getexif().get(_ORIENTATION, 1) not in (0, 1)
    written, kind = BytesIO(), _kind_of(image)
    options: dict[str, object] = {"exif": b"", "xmp": b"", "comment": b""} if kind in ("JPEG", "WEBP", "AVIF") else {}
    if kind == "JPEG":
        options |= {"quality": 92} if turned or image.format == "MPO" else {"quality": "keep"}
    elif kind in ("WEBP", "AVIF"):
        options["quality"] = 90
    animated = getattr(image, "n_frames", 1) > 1 and kind != "JPEG"
    if animated:
        options["save_all"] = True
    upright = ImageOps.exif_transpose(image) if turned and not animated else image
    for name in _TELLING:
        upright.info.pop(name, None)
    upright.save(written, kind, icc_profile=image.info.get("icc_profile"), **options)
    return written.getvalue()


def _upright_size(image: Image.Image) -> tuple[int, int]:
    width, height = image.size
    return (height, width) if image.getexif().get(_ORIENTATION, 1) in (5, 6, 7, 8) else (width, height)


def _kind_of(image: Image.Image) -> str:
    return "JPEG" if image.format == "MPO" else str(image.format)
