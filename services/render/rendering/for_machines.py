"""The site and its articles as files for machines describe them. Pure."""

from dataclasses import replace
from datetime import datetime

from luotdoc_events import events
from services.render.machine.publication import Facts, MachineArticle, Publication, ShownPicture
from services.render.page import Page, stored_article
from services.render.site.model import WholeSite
from shared.web.paths import article_path


def publication_of(site: WholeSite, logo: str, language: str) -> Publication:
    """The site as a publisher, in the words of `language`. `logo`: the address of a picture."""
    return Publication(
        url=site.url,
        name=site.name.said_in(language),
        tagline=site.tagline.said_in(language),
        language=site.language,
        languages=site.languages,
        publisher=site.footer.body.said_in(language),
        email=site.footer.email or "",
        logo=logo,
    )


def described_article(
    site: WholeSite,
    publication: Publication,
    article: events.Article,
    facts: Facts = None,
) -> MachineArticle:
    """An article for machines. `facts` are those of its picture."""
    image = article.image.model_dump() if article.image else None
    return MachineArticle(
        id=article.id,
        url=site.url + article_path(article.section, article.slug, article.id),
        title=article.title,
        lead=article.lead,
        language=article.language,
        section=site.section(article.section).name.said_in(site.language_of(article.language)),
        section_url=f"{site.url}/{article.section}/",
        byline=article.byline,
        topic=article.topic,
        tags=tuple(article.tags),
        published=article.published_at,
        modified=_changed(article.revision, article.published_at, article.modified_at),
        corrected=article.corrections[-1].at if article.corrections else None,
        picture=ShownPicture.of(publication, image, facts),
        content=article.body_html,
    )


def described_page(site: WholeSite, publication: Publication, page: Page) -> MachineArticle:
    """The article of a stored page for machines; without its text if the page was read without its
    article.
    """
    facts = page.summary.get("picture")
    if page.article:
        found = described_article(site, publication, stored_article(page), facts)
        return replace(found, url=site.url + page.path)
    published = page.published_at
    assert published is not None  # noqa: S101  (only tombstones lack it)
    return MachineArticle(
        id=page.id,
        url=site.url + page.path,
        title=page.summary["title"],
        language=page.summary.get("language") or page.language,
        published=published,
        modified=_changed(page.revision, published, page.modified_at or published),
        picture=ShownPicture.of(publication, page.summary["image"], facts),
    )


def _changed(revision: int, published: datetime, modified: datetime) -> datetime | None:
    """The time of the last change. A first revision may be imported long after its publication:
    that is not a change.
    """
    return modified if revision > 1 and modified > published else None
