"""Which pages are each other's translations. Pure but for the question that is passed in.

An editor names translations on one side, on both or in a chain. All that are linked are one group,
and each page of it gets the same links, so that they are symmetric, as search engines want.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from services.render.page import Page

MOST_TRANSLATIONS = 30
"""Pages of a group. A larger one is a mistake, and gets no links."""

Linked = Callable[[Sequence[Page]], Awaitable[list[Page]]]
"""Public pages that some pages name as their translations, or that name one of them."""


async def alternates_of(pages: Sequence[Page], linked: Linked) -> Mapping[str, dict[str, str]]:
    """By page id: the paths of the page's group by BCP 47 tag, its own included. Pages without
    translations are missing.
    """
    known = {page.id: page for page in pages}
    asked: Sequence[Page] = pages
    # After so many rounds a group is complete, or has more pages than the bound.
    for _ in range(MOST_TRANSLATIONS):
        if not asked:
            break
        asked = [page for page in await linked(asked) if page.id not in known]
        known |= {page.id: page for page in asked}
    wanted = {page.id for page in pages}
    linked_by_id = {
        name: paths for group in groups_of(known.values()) for name, paths in _links(group).items()
    }
    return {name: paths for name, paths in linked_by_id.items() if name in wanted}


def groups_of(pages: Iterable[Page]) -> list[list[Page]]:
    """The pages by groups of those that are linked, in either direction."""
    by_id = {page.id: page for page in pages}
    beside: dict[str, set[str]] = {name: set() for name in by_id}
    for page in by_id.values():
        for other in page.translated_as:
            if other in by_id and other != page.id:
                beside[page.id].add(other)
                beside[other].add(page.id)
    groups, seen = list[list[Page]](), set[str]()
    for name in by_id:
        group, waiting = list[Page](), [] if name in seen else [name]
        seen.add(name)
        while waiting:
            here = waiting.pop()
            group.append(by_id[here])
            new = beside[here] - seen
            seen |= new
            waiting += new
        if group:
            groups.append(group)
    return groups


def _links(group: list[Page]) -> dict[str, dict[str, str]]:
    """The links of each page of a group. Of two pages in one language the older one stands for it,
    and the other has none.
    """
    if not 1 < len(group) <= MOST_TRANSLATIONS:
        return {}
    chosen: dict[str, Page] = {}
    for page in sorted(group, key=lambda page: (str(page.published_at), page.id)):
        chosen.setdefault(language_of(page).lower(), page)
    paths = {language_of(page): page.path for page in chosen.values()}
    return {page.id: paths for page in chosen.values()} if len(paths) > 1 else {}


def with_default(every: Mapping[str, str], language: str) -> dict[str, str]:
    """The paths of a group by BCP 47 tag, and as `x-default` that in the site's first language, for
    readers of every other one.
    """
    found = dict(every)
    for tag, path in every.items():
        if tag == language or tag.startswith(f"{language}-"):
            found.setdefault("x-default", path)
    return found


def language_of(page: Page) -> str:
    """The language of the page's article, a BCP 47 tag."""
    return str(page.summary.get("language") or page.language)
