"""The routes of feeds, sitemaps and other files for machines, and what they share."""

from collections.abc import Callable
from typing import Any

from services.render.kinds import feeds, sitemaps
from services.render.kinds.feeds import FeedFile
from services.render.kinds.machine_files import MachineFile
from services.render.kinds.machines import MachineParts
from services.render.kinds.parts import PageParts
from services.render.kinds.sitemaps import SitemapFile
from services.render.machine.store import MachineStore
from services.render.serving.fragments import Fragments
from services.render.serving.routes import Route, route

FEEDS, SITEMAPS, SITEMAP_SECONDS = 50, 8, 60.0
"""How many feeds, of up to 2 MB, are kept in memory, for a second; and how many sitemaps, of up to
1 MB."""


def machine_routes(
    parts: PageParts, store: MachineStore, fragments: Callable[..., Fragments[Any]]
) -> list[Route]:
    """Feeds, sitemaps, `robots.txt`, the web manifest and paths under `/.well-known/`."""
    machine = MachineParts(
        parts=parts,
        store=store,
        feeds=fragments(most=FEEDS),
        sitemaps=fragments(fresh_seconds=SITEMAP_SECONDS, most=SITEMAPS),
    )
    files = MachineFile(parts)
    return [
        route(feeds.PATTERN, FeedFile(machine), localised=True),
        route(sitemaps.PATTERN, SitemapFile(machine)),
        route(r"/robots\.txt", files.robots),
        route(r"/manifest\.webmanifest", files.manifest),
        route(r"/\.well-known/security\.txt", files.security),
        route(r"/\.well-known/gpc\.json", files.gpc),
    ]
