"""robots.txt, the web manifest, and the paths under /.well-known/ that fit this site.

Of the registered names those fit that say something true of a news site without accounts:
`security.txt`, while the site names an e-mail address, and `gpc.json`. `change-password` and others
that are about accounts, payments, mail or apps don't.
"""

from io import BytesIO

from PIL import Image

from services.render.kinds.parts import PageParts
from services.render.machine.small_files import (
    ICONS,
    gpc_json,
    robots_txt,
    security_txt,
    web_manifest,
)
from services.render.rendering.static_files import StaticFiles
from services.render.serving.answers import Answer
from services.render.serving.routes import Asked
from services.render.serving.tags import tag_of
from services.render.site.contrast import PAPERS
from shared.web import headers as security

NOT_INDEXED = ("tim-kiem", "goi-y", "luu")
"""First parts of paths whose pages are not for search engines: without end, or copies."""

_HOUR = b"public, max-age=3600"
_TEXT = b"text/plain; charset=utf-8"
_ICON_TYPES = {
    "svg": "image/svg+xml",
    "png": "image/png",
    "webp": "image/webp",
    "jpg": "image/jpeg",
}


class MachineFile:
    """Answers requests for small files of fixed names."""

    def __init__(self, parts: PageParts) -> None:
        self._parts = parts

    async def robots(self, _asked: Asked) -> Answer:
        """`/robots.txt`."""
        site = self._parts.renderer.site
        prefixes = ("", *(f"/{language}" for language in site.languages[1:]))
        closed = [f"{prefix}/{name}/" for prefix in prefixes for name in NOT_INDEXED]
        return _file(robots_txt(self._parts.renderer.heads.publication, closed), _TEXT)

    async def security(self, _asked: Asked) -> Answer:
        """`/.well-known/security.txt`; 404 without an e-mail address."""
        body = security_txt(self._parts.renderer.heads.publication, self._parts.clock())
        return _file(body, _TEXT) if body else self._parts.errors.not_found()

    async def manifest(self, _asked: Asked) -> Answer:
        """`/manifest.webmanifest`."""
        renderer = self._parts.renderer
        icons = icons_of(renderer.site.logo_file, renderer.files, own=bool(renderer.site.logo))
        colour = renderer.site.colours.theme(dark=False)
        body = web_manifest(renderer.heads.publication, icons, colour, PAPERS[False])
        return _file(body, b"application/manifest+json")

    async def gpc(self, _asked: Asked) -> Answer:
        """`/.well-known/gpc.json`."""
        return _file(gpc_json(), b"application/json")


def icons_of(logo: str, files: StaticFiles, *, own: bool) -> list[tuple[str, str, str]]:
    """Address, sizes and media type of each icon: of the site's own logo, else of ours."""
    ending = logo.rpartition(".")[2]
    if ending == "svg":
        sizes = "any"
    else:
        with Image.open(BytesIO(files.contents[logo])) as picture:
            sizes = f"{picture.width}x{picture.height}"
    icons = [(files.url(logo), sizes, _ICON_TYPES[ending])]
    if not own:
        icons += [(files.url(name), f"{side}x{side}", "image/png") for name, side in ICONS]
    return icons


def _file(body: bytes, content_type: bytes) -> Answer:
    return Answer(
        kind="static",
        body=body,
        content_type=content_type,
        tag=tag_of(body),
        caching=_HOUR,
        policy=security.OPEN,
    )
