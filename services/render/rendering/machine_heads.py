"""What the heads of pages say to machines: structured data and OpenGraph. Pure."""

from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

from markupsafe import Markup

from luotdoc_events import events
from services.render.machine.open_graph import open_graph
from services.render.machine.structured import (
    Things,
    article_things,
    breadcrumbs,
    organization,
    script_json,
    website,
)
from services.render.rendering.for_machines import described_article, publication_of
from services.render.rendering.picture_sizes import PictureFacts, facts_of, leading_image
from services.render.rendering.pictures import Pictures
from services.render.site.model import WholeSite


class MachineHeads:
    """Makes what templates show of it. `logo`: the address of a picture for the site."""

    def __init__(self, site: WholeSite, zone: ZoneInfo, pictures: Pictures, logo: str) -> None:
        self._site, self._zone, self._pictures = site, zone, pictures
        self.publications = {
            language: publication_of(site, logo, language) for language in site.languages
        }
        self.publication = self.publications[site.language]

    def of_article(
        self, article: events.Article, facts: PictureFacts, home: tuple[str, str]
    ) -> dict[str, Any]:
        """`open_graph` and `json_ld` of an article's page. `facts` are those of its pictures.
        `home`: the front page's name and path in the page's language.
        """
        publication = self.publications[self._site.language_of(article.language)]
        image = leading_image(article, self._site.url, facts)
        shown = article.model_copy(update={"image": image})
        known = facts_of(image, self._site.url, facts)
        described = described_article(self._site, publication, shown, known)
        described = replace(
            described,
            published=described.published.astimezone(self._zone),
            modified=described.modified and described.modified.astimezone(self._zone),
        )
        if described.picture and not self._pictures.shown(described.picture.url):
            described = replace(described, picture=None)
        things = article_things(publication, described, *home)
        return {
            "open_graph": open_graph(publication, described),
            "json_ld": _json_ld(things),
        }

    def of_front(self, language: str, prefix: str) -> Markup:
        """`json_ld` of the front page."""
        site = self.publications[language]
        return _json_ld([website(site, language, prefix), organization(site)])

    def of_list(self, heading: str, url: str, language: str) -> Markup:
        """`json_ld` of the list `heading` of `language` at the absolute address `url`."""
        site = self.publications[language]
        home = site.name, f"{site.url}{self._site.prefix(language)}/"
        return _json_ld([breadcrumbs([home, (heading, url)])])


def _json_ld(things: list[Things]) -> Markup:
    return Markup(script_json(things))  # noqa: S704  (it has no <)
