"""OpenGraph and card properties of an article's page. Pure."""

from collections.abc import Iterator

from services.render.machine.publication import MachineArticle, Publication

_TERRITORIES = {"vi": "VN", "en": "US", "lo": "LA", "km": "KH", "zh": "CN", "fr": "FR"}
"""What OpenGraph's `language_TERRITORY` has for a language without a territory."""


def open_graph(site: Publication, article: MachineArticle) -> list[tuple[str, str]]:
    """Properties and their values, in their order."""
    return [(name, value) for name, value in _properties(site, article) if value]


def _properties(site: Publication, article: MachineArticle) -> Iterator[tuple[str, str]]:
    yield "og:type", "article"
    yield "og:site_name", site.name
    yield "og:title", article.title
    yield "og:description", article.lead
    yield "og:url", article.url
    yield "og:locale", locale_of(article.language)
    if picture := article.picture:
        yield "og:image", picture.url
        yield "og:image:type", picture.type
        if picture.width and picture.height:
            yield "og:image:width", str(picture.width)
            yield "og:image:height", str(picture.height)
        yield "og:image:alt", picture.alt
    yield "article:published_time", article.published.isoformat(timespec="seconds")
    if article.modified:
        yield "article:modified_time", article.modified.isoformat(timespec="seconds")
    yield "article:section", article.section
    yield from (("article:tag", tag) for tag in article.tags)


def locale_of(language: str) -> str:
    """`vi_VN` for `vi`; empty where the territory is not known."""
    code, *rest = language.split("-")
    territory = next((each for each in rest if len(each) == 2), _TERRITORIES.get(code, ""))
    return f"{code}_{territory.upper()}" if territory else ""
