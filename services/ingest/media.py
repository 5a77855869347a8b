"""Pictures: the type is sniffed from the content, the address is made from its hash. Pure."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Literal, get_args

from shared.errors import Problem

Type = Literal["image/jpeg", "image/png", "image/gif", "image/webp", "image/avif"]
TYPES: tuple[str, ...] = get_args(Type)


@dataclass(frozen=True)
class Picture:
    """A picture as it is kept: `name` is `<32 hex digits>.<extension>`."""

    name: str
    type: Type


def identify(data: bytes) -> Picture:
    """What `data` is. Raises `Problem` 422 for anything but JPEG, PNG, GIF, WebP or AVIF; SVG can run scripts."""
    kind: Type
    if data.startswith(b"\xff\xd8\xff"):
        extension, kind = "jpg", "image/jpeg"
    elif data.startswith(b"\x89PNG\r\n\x1a\n"):
        extension, kind = "png", "image/png"
    elif data[:6] in (b"GIF87a", b"GIF89a"):
        extension, kind = "gif", "image/gif"
    elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        extension, kind = "webp", "image/webp"
    elif data[4:12] in (b"ftypavif", b"ftypavis"):
        extension, kind = "avif", "image/avif"
    else:
        fault = {"path": "body", "message": "must be a JPEG, PNG, GIF, WebP or AVIF picture"}
        raise Problem(422, "the request is not valid", [fault])
    return Picture(f"{sha256(data).hexdigest()[:32]}.{extension}", kind)
