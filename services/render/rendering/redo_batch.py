"""Renders some pages again, and stores them: what the processes of a redo do."""

import secrets
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field

from services.render.page import Page, stored_article
from services.render.rendering.pages import rendered_page
from services.render.rendering.picture_sizes import PictureFacts, held_names
from services.render.rendering.renderer import Renderer
from services.render.store import PageStore


@dataclass(frozen=True)
class Redone:
    """The outcome for some pages."""

    call: str
    """The mark of those that were replaced, until their events are confirmed."""
    pages: list[Page] = field(default_factory=list)
    """Those that were replaced, with what their events need and nothing more."""
    faults: dict[str, str] = field(default_factory=dict)
    """Ids of those that can't be rendered, and tracebacks."""


async def redo_batch(store: PageStore, renderer: Renderer, ids: Sequence[str]) -> Redone:
    """Render those of the pages that are outdated, and replace the ones that have not changed
    meanwhile. Raises `Transient`.
    """
    redone = Redone(secrets.token_hex(8))
    made = list[tuple[Page, Page]]()
    outdated = await store.outdated_among(ids, renderer.version)
    pictures = await _pictures(store, outdated)
    for page in outdated:
        try:
            facts = pictures[page.id]
            made.append((rendered_page(renderer, stored_article(page), facts), page))
        except Exception:  # else the pages after it would never be rendered again
            redone.faults[page.id] = traceback.format_exc()
    replaced = await store.redo(made, redone.call)
    redone.pages.extend(_named(page) for page, _ in made if page.id in replaced)
    return redone


async def _pictures(store: PageStore, pages: Sequence[Page]) -> dict[str, PictureFacts]:
    """What is known of the pictures of each page. An earlier release stored none of it."""
    named = {page.id: held_names(page.article) for page in pages if page.pictures is None}
    facts = await store.picture_facts([name for names in named.values() for name in names])
    found = {
        of: {name: facts[name] for name in names if name in facts} for of, names in named.items()
    }
    return {page.id: found.get(page.id, page.pictures or {}) for page in pages}


def _named(page: Page) -> Page:
    return Page(page.id, page.revision, page.state, page.template, path=page.path)
