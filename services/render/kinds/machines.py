"""What files for machines are made of."""

from dataclasses import dataclass

from services.render.kinds.parts import PageParts
from services.render.machine.publication import MachineArticle, Publication
from services.render.machine.store import MachineStore
from services.render.page import Page
from services.render.rendering.for_machines import described_page
from services.render.serving.fragments import Fragments


@dataclass(frozen=True, kw_only=True)
class MachineParts:
    """The parts that the kinds of files for machines share."""

    parts: PageParts
    store: MachineStore
    feeds: Fragments[bytes | None]
    sitemaps: Fragments[bytes | None]

    @property
    def publication(self) -> Publication:
        """The site as a publisher, in the words of its first language."""
        return self.parts.renderer.heads.publication

    def publication_in(self, language: str) -> Publication:
        """The site as a publisher, in the words of one of its languages."""
        return self.parts.renderer.heads.publications[language]

    def article(self, page: Page) -> MachineArticle:
        """A stored page's article."""
        return described_page(self.parts.renderer.site, self.publication, page)
