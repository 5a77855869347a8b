"""The route of `PUT /media/{name}`: a picture."""

from typing import Annotated

from fastapi import APIRouter, Path, Request

from services.ingest.articles.answers import PictureAnswer
from services.ingest.articles.body.links import site_root
from services.ingest.articles.media import MAX_FRAMES, MAX_PIXELS, MAX_SIDE, PICTURE_TYPES
from services.ingest.service import Editor, RequestService
from services.ingest.settings import IngestSettings
from shared.web.asgi import check_content_type, read_body
from shared.web.openapi import answered, problems

_MAX = IngestSettings.model_fields["max_media_bytes"].default
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_PICTURE = {
    "requestBody": {
        "required": True,
        "description": f"The picture's bytes, not a form: at most {_MAX:,} bytes "
        f"(`LUOTDOC_MAX_MEDIA_BYTES`), {MAX_PIXELS:,} pixels, {MAX_SIDE:,} on a "
        f"side, {MAX_FRAMES} frames.",
        "content": dict.fromkeys(("application/octet-stream", *PICTURE_TYPES), _BINARY),
    }
}
Name = Annotated[
    str,
    Path(
        pattern=r"^[A-Za-z0-9._-]{1,100}$",
        description=(
            "the file's name, stored as a note; the picture's address is made from its content"
        ),
        examples=["cau-song.webp"],
    ),
]

routes = APIRouter(tags=["media"])


@routes.put(
    "/media/{name}",
    status_code=201,
    openapi_extra=_PICTURE,
    responses=answered(201, "The picture is stored; the same picture again has the same address.")
    | problems(401, 403, 415, 429, also={
        413: f"The picture has more than {_MAX:,} bytes; the connection is closed.",
        422: ("The content is not a JPEG, PNG, GIF, WebP or AVIF picture, is damaged or too "
             "large; or the name is bad."),
        503: "The picture could not be decoded now, try again after `Retry-After`.",
    }),
)  # fmt: skip
async def put_media(
    request: Request, service: RequestService, _editor: Editor, name: Name
) -> PictureAnswer:
    """Store a picture and answer its address, which is made from its content.

    The type is found by decoding. The picture is stored upright and without EXIF, XMP and comments.
    """
    check_content_type(
        request.scope,
        "image/*",
        "the picture itself, with its own type or application/octet-stream",
    )
    data = await read_body(request.scope, request.receive, service.max_media_bytes)
    picture = await service.offload.picture(data)
    await service.store.put_media(picture, name)
    path = f"/media/{picture.name}"
    return PictureAnswer(
        url=site_root(service.base_url) + path,
        path=path,
        type=picture.type,
        bytes=len(picture.data),
        width=picture.width,
        height=picture.height,
    )
