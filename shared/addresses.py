"""The addresses of the portal's pages. Pure."""


def article_path(section: str, slug: str, article_id: str) -> str:
    """The canonical path of an article's page, from the root of the site."""
    return f"/{section}/{slug}-{article_id}.html"
