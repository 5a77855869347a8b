"""Every route of every service, and the host that must lead to it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from services.ingest.api import describe_api as ingest_api
from services.stats.api import describe_api as stats_api

PUBLIC, EDITORS = "public", "editors"
"""The host for readers, and the one for editors' systems in the internal network."""

OPERATORS = ("/livez", "/readyz", "/metrics", "/state")
"""Paths of each process for the cluster. No host leads to them: a gateway answers 404."""

HOSTS: dict[str, set[str]] = {
    "ingest /articles": {EDITORS},
    "ingest /articles/{article_id}": {EDITORS},
    "ingest /media/{name}": {EDITORS},
    "ingest /docs": {EDITORS},
    "ingest /docs/{name}": {EDITORS},
    "ingest /openapi.json": {EDITORS},
    "ingest /reads": {PUBLIC},
    "ingest /reads.gif": {PUBLIC},
    "ingest /reads/batch": {PUBLIC, EDITORS},  # from servers in the network, and from apps outside
    "ingest /events/": {PUBLIC},
    "ingest /events/asyncapi.json": {PUBLIC},
    "ingest /schemas/{name}": {PUBLIC},
    "stats /stats/site": {PUBLIC},
    "stats /stats/top": {PUBLIC},
    "stats /stats/trending": {PUBLIC},
    "stats /stats/series": {PUBLIC},
    "stats /stats/readers": {PUBLIC},
    "stats /stats/export": {PUBLIC},
    "stats /stats/classes": {PUBLIC},
    "stats /stats/sources": {PUBLIC},
    "stats /stats/articles/{id}": {PUBLIC},
    "stats /stats/sections": {PUBLIC},
    "stats /stats/sections/{section}": {PUBLIC},
    "stats /stats/reconciliation": {PUBLIC},
    "stats /stats/live": {PUBLIC},
    "stats /stats/widget.js": {PUBLIC},
    "stats /stats/badge/{name}.svg": {PUBLIC},
    "stats /stats": {PUBLIC},
    "stats /stats/": {PUBLIC},
    "stats /stats/articles/{id}/": {PUBLIC},
    "stats /stats/tables/{name}": {PUBLIC},
    "stats /stats/static/{name}": {PUBLIC},
    "stats /stats/docs": {PUBLIC},
    "stats /stats/docs/{name}": {PUBLIC},
    "stats /stats/openapi.json": {PUBLIC},
    # The same page as under /stats/, for who reaches the process itself.
    "stats /docs": set(),
    "stats /docs/{name}": set(),
    "stats /openapi.json": set(),
    "render /": {PUBLIC},
    "render /thoi-su/": {PUBLIC},
    "render /thoi-su": {PUBLIC},
    "render /thoi-su/bai-dau-a1.html": {PUBLIC},
    "render /static/style.css": {PUBLIC},
    "render /media/0123456789abcdef0123456789abcdef.webp": {PUBLIC},
    "render /luu-tru/": {PUBLIC},
    "render /luu-tru/2026/11/": {PUBLIC},
    "render /tu-khoa/le-hoi/": {PUBLIC},
    "render /chu-de/bao-so-5/": {PUBLIC},
    "render /tim-kiem/": {PUBLIC},
    "render /goi-y/": {PUBLIC},
    "render /search": {PUBLIC},
    "render /feed.xml": {PUBLIC},
    "render /atom.xml": {PUBLIC},
    "render /thoi-su/feed.xml": {PUBLIC},
    "render /sitemap.xml": {PUBLIC},
    "render /sitemap-202611.xml": {PUBLIC},
    "render /news-sitemap.xml": {PUBLIC},
    "render /robots.txt": {PUBLIC},
    "render /manifest.webmanifest": {PUBLIC},
    "render /.well-known/security.txt": {PUBLIC},
    "render /.well-known/gpc.json": {PUBLIC},
    "render /favicon.ico": {PUBLIC},
    "render /khong-co": {PUBLIC},
}
"""By service and path. A route that is missing here fails the tests: decide where it is served."""


@dataclass(frozen=True)
class Route:
    """One method of one path; `path` has a sample in place of each parameter."""

    service: str
    method: str
    path: str
    hosts: frozenset[str]


@cache
def routes() -> tuple[Route, ...]:
    """Each method and path that a service answers, for all services."""
    return tuple(_routes())


def _routes() -> Iterator[Route]:
    found: dict[str, set[str]] = {}
    for service, api in (("ingest", ingest_api()), ("stats", stats_api())):
        for path, methods in _answered(api).items():
            if path not in OPERATORS:
                found[f"{service} {path}"] = methods
    for name in HOSTS:
        if name.startswith("render "):
            found[name] = {"GET", "HEAD"}
    assert found.keys() == HOSTS.keys(), "a route was added or is gone: say in HOSTS who reaches it"
    for name, methods in found.items():
        service, _, template = name.partition(" ")
        path = re.sub(r"\{\w+\}", "a1", template)
        for method in sorted(methods):
            yield Route(service, method, path, frozenset(HOSTS[name]))
    for path in OPERATORS:
        for method in ("GET", "POST"):
            yield Route("any", method, path, frozenset())


def _answered(api: FastAPI) -> dict[str, set[str]]:
    """The methods of each path: of the routes, hidden ones too, and of the document."""
    answered: dict[str, set[str]] = {}
    for route in iter_route_contexts(api.routes):
        answered.setdefault(str(route.path), set()).update(route.methods or ())
    for path, item in api.openapi()["paths"].items():
        answered.setdefault(path, set()).update(method.upper() for method in item)
    return answered
