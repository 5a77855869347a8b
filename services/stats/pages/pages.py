"""The pages together, as the routes use them."""

from dataclasses import dataclass

from services.stats.pages.article_pages import ARTICLES_PATH, ArticlePages
from services.stats.pages.languages import DEFAULT_LANGUAGE, LANGUAGES, Language
from services.stats.pages.shown import PageRenderer
from services.stats.pages.site_pages import SITE_PATH, SitePages
from shared.base.site_following import SiteFollower


@dataclass(frozen=True)
class Pages:
    """Every page, and what answers in their place when something is wrong."""

    site: SitePages
    articles: ArticlePages
    renderer: PageRenderer
    followed: SiteFollower


def chosen_language(code: str | None) -> Language:
    """The language of the parameter `lang`; the usual one for any other value."""
    return LANGUAGES.get(code or "", LANGUAGES[DEFAULT_LANGUAGE])


def is_page(path: str) -> bool:
    """True for the path of a page."""
    return path == SITE_PATH or (path.startswith(ARTICLES_PATH) and path.endswith("/"))
