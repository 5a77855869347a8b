"""`/docs`: the API's documentation as a page to read and try, which loads nothing from other hosts.

Script and style are Swagger UI's, from the pinned package `fastapi-swagger`.
"""

from functools import cache
from importlib.resources import files

import orjson
from fastapi import FastAPI, Response

from shared.base.errors import Problem

_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/swagger-ui.css">
<div id="api"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
"""
_START = b"""\
SwaggerUIBundle({
  url: "openapi.json", dom_id: "#api", deepLinking: true,
  validatorUrl: null, defaultModelsExpandDepth: 0,
});
"""
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src "
    "'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_TYPES = {"css": "text/css", "js": "text/javascript"}


def add_docs(api: FastAPI, under: str = "") -> None:
    """Serve the page and its files, which are read once, here. `under` is a path without a
    trailing slash, such as `/stats`: the page is then also `/stats/docs`, and its document
    `/stats/openapi.json`, so that a gateway which forwards that path alone shows them.
    """
    page = _PAGE.format(title=api.title)
    packed = files("fastapi_swagger") / "resources"
    held = {
        name: (packed / name).read_bytes() for name in ("swagger-ui-bundle.js", "swagger-ui.css")
    }
    held["start.js"] = _START

    @cache
    def as_json() -> bytes:
        return orjson.dumps(api.openapi())

    async def get_document() -> Response:
        # FastAPI's own route serialises the document for each request,
        # which blocks the event loop for a millisecond.
        return Response(as_json(), media_type="application/json")

    async def get_docs() -> Response:
        headers = {"content-security-policy": _POLICY, "cache-control": "no-cache"}
        return Response(page, headers=headers, media_type="text/html")

    async def get_docs_file(name: str) -> Response:
        if name not in held:
            raise Problem(404, "the page has no such file")
        kind = _TYPES[name.rpartition(".")[2]]
        return Response(
            held[name], headers={"cache-control": "public, max-age=3600"}, media_type=kind
        )

    for prefix in {"", under}:
        for path, handler in (
            ("/openapi.json", get_document),
            ("/docs", get_docs),
            ("/docs/{name}", get_docs_file),
        ):
            api.add_api_route(prefix + path, handler, include_in_schema=False)
