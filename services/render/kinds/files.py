"""Files: those that pages need, and editors' pictures."""

from services.render.kinds.parts import PageParts
from services.render.serving.answers import FOREVER, SHORT, Answer, redirect
from services.render.serving.routes import Asked
from shared.web import headers as security

_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "woff2": "font/woff2",
    "png": "image/png",
    "webp": "image/webp",
    "jpg": "image/jpeg",
    "txt": "text/plain; charset=utf-8",
}


class StaticFile:
    """Answers requests for the files in `static`."""

    def __init__(self, parts: PageParts) -> None:
        self._parts = parts

    async def __call__(self, asked: Asked) -> Answer:
        """The file; for ever cacheable under its version."""
        name, files = asked.groups[0], self._parts.renderer.files
        content = files.contents.get(name)
        if content is None:
            return self._parts.errors.not_found()
        version = files.version(name)
        kind = _TYPES.get(name.rpartition(".")[2], "application/octet-stream")
        return Answer(
            kind="static",
            body=content,
            coded=files.coded.get(name),
            content_type=kind.encode(),
            tag=f'"{version}"'.encode(),
            caching=FOREVER if asked.one("v") == version else SHORT,
            policy=security.OPEN,
        )

    async def favicon(self, _asked: Asked) -> Answer:
        """What browsers ask for on their own."""
        path, _, version = self._parts.renderer.files.url("favicon.svg").partition("?")
        return redirect(path, 302, f"?{version}")


class PictureFile:
    """Answers requests for editors' pictures."""

    def __init__(self, parts: PageParts) -> None:
        self._parts = parts

    async def __call__(self, asked: Asked) -> Answer:
        """The picture. Its name is made from its content, so it never changes."""
        name, queries = asked.groups[0], self._parts.queries
        picture = await queries.wait(queries.start(lambda: self._parts.store.picture(name)))
        if picture is None:
            return self._parts.errors.not_found()
        kind, content = picture
        return Answer(
            kind="media",
            body=content,
            content_type=kind.encode(),
            tag=f'"{name}"'.encode(),
            caching=FOREVER,
            policy=security.OPEN,
        )
