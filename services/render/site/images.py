"""Pictures beside the site's file: the logo, the picture of a map."""

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import InstanceOf, PlainValidator, ValidationInfo

from shared.base.site_file import beside_file

MOST_PICTURE_BYTES = 512 << 10
_BEGINS = {
    "svg": (b"<svg", b"<?xml", b"<!--"),
    "png": (b"\x89PNG\r\n",),
    "webp": (b"RIFF",),
    "jpg": (b"\xff\xd8\xff",),
}


@dataclass(frozen=True)
class SitePicture:
    """A picture. `name` is that of its file."""

    name: str
    content: bytes

    @property
    def kind(self) -> str:
        """The ending of its name, such as `svg`."""
        return self.name.rpartition(".")[2]


def _picture(value: Any, info: ValidationInfo) -> SitePicture:
    if isinstance(value, SitePicture):
        return value
    content = beside_file(value, info, MOST_PICTURE_BYTES)
    begins = _BEGINS.get(value.rpartition(".")[2])
    if begins is None or not content.lstrip(b"\xef\xbb\xbf \r\n").startswith(begins):
        raise ValueError(f"{value} must be a picture: .svg, .png, .webp or .jpg")
    return SitePicture(value, content)


SitePictureFile = Annotated[InstanceOf[SitePicture], PlainValidator(_picture)]
