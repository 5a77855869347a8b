"""A section's page: its articles and those of the sections within it."""

from services.render.kinds.lists import ListOf, Lists
from services.render.kinds.parts import PageParts
from services.render.serving.answers import Answer
from services.render.serving.routes import Asked

PATTERN = r"/([a-z0-9-]{1,100})/"


class SectionPage:
    """Answers requests for a section's page."""

    def __init__(self, parts: PageParts, lists: Lists) -> None:
        self._parts, self._lists = parts, lists

    def at_once(self, asked: Asked) -> Answer | None:
        """The section's newest articles, if they are in memory and current."""
        slug = asked.groups[0]
        return self._lists.at_once(asked, f"{asked.prefix}/{slug}/", slug)

    async def __call__(self, asked: Asked) -> Answer:
        """The section's articles. 404 if it has none and the site doesn't name it."""
        slug, site = asked.groups[0], self._parts.renderer.site
        return await self._lists.answer(
            asked,
            ListOf(
                base=f"{asked.prefix}/{slug}/",
                wanted=self._parts.wanted(asked.language, sections=site.within(slug)),
                heading=lambda _: site.section(slug).name.said_in(asked.language),
                section=slug,
                followed=True,
                kept=slug in site.every_section,
            ),
        )
