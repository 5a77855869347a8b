"""Paths of the portal's pages, relative to the root of the site. Pure."""


def article_path(section: str, slug: str, article_id: str) -> str:
    """The canonical path of an article's page."""
    return f"/{section}/{slug}-{article_id}.html"
