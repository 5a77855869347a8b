"""The templates in each language of a site. Pure."""

from collections.abc import Callable
from datetime import datetime
from functools import cache, lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from services.render.keys import tag_key
from services.render.languages import words as languages
from services.render.languages.words import Words, direction_of
from services.render.machine.hreflang import with_default
from services.render.rendering.folded import FoldedMessages
from services.render.rendering.once import Once
from services.render.site.model import WholeSite

FOLDER = Path(__file__).parents[1] / "templates"
MOST_ADDRESSES, MOST_LANGUAGES = 2000, 100
"""Paths, and attributes of languages, that are kept in memory."""


class Templates:
    """Renders templates in a language of the site; one without messages has the first one's."""

    def __init__(self, site: WholeSite, zone: ZoneInfo, static: Callable[[str], str]) -> None:
        self._first = site.language
        self.words = {language: Words(language, zone) for language in site.languages}
        self._environments = {
            language: _environment(site, words, static) for language, words in self.words.items()
        }

    def render(self, name: str, language: str, **shown: Any) -> str:
        """The template `name`, which gets `shown`."""
        language = language if language in self._environments else self._first
        template = self._environments[language].get_template(name)
        return template.render(language=language, **shown)

    def words_of(self, language: str) -> Words:
        """The words of a language; the first one's for a language that the site does not have."""
        return self.words.get(language) or self.words[self._first]


def digest() -> bytes:
    """A hash of all templates and messages."""
    found = sha256()
    for folder in (FOLDER, languages.FOLDER):
        for file in sorted(folder.rglob("*")):
            if file.suffix in (".html", ".po", ".css"):
                found.update(file.read_bytes())
    return found.digest()


def _environment(site: WholeSite, words: Words, static: Callable[[str], str]) -> Environment:
    made = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=[Once, FoldedMessages],
        auto_reload=False,
    )
    prefix = "" if words.language == site.language else f"/{words.language}"

    @lru_cache(MOST_ADDRESSES)
    def path(*names: str) -> str:
        return "/".join((prefix, *map(quote, names), ""))

    made.globals.update(
        _=_said(words),
        ngettext=_counted(words),
        site=site,
        static=static,
        tag_key=tag_key,
        words=words,
        language=words.language,
        prefix=prefix,
        with_default=lambda every: with_default(every, site.language),
        foreign=lambda tag: _foreign(tag, words.language),
        in_language=lambda tag: _in_language(_foreign(tag, words.language)),
        home_url=lambda: f"{prefix}/",
        section_url=path,
        size=_size,
        path=path,
        iso=_iso,
    )
    return made


def _said(words: Words) -> Callable[..., Markup]:
    """A message with escaped values. Jinja's own extension does the same, and takes a tenth of a
    page's time.
    """
    marked = cache(lambda message: Markup(words.say(message)))  # noqa: S704
    alone = cache(lambda message: marked(message) % {})

    def said(message: str, **values: object) -> Markup:
        return marked(message) % values if values else alone(message)

    return said


def _counted(words: Words) -> Callable[..., Markup]:
    def counted(one: str, several: str, number: int, **values: object) -> Markup:
        message = words.messages.ngettext(one, several, number)
        return Markup(message) % {"num": number, **values}  # noqa: S704

    return counted


def _size(image: dict[str, Any]) -> Markup:
    """The size of a picture, as attributes: its room is kept before it comes. Empty if it is not
    known.
    """
    width, height = image.get("width"), image.get("height")
    return Markup(' width="{}" height="{}"').format(width, height) if width and height else Markup()


def _foreign(tag: str | None, language: str) -> str:
    """The language of a text, if it is another than the page's; else empty."""
    return "" if not tag or tag == language or tag.startswith(f"{language}-") else tag


@lru_cache(MOST_LANGUAGES)
def _in_language(foreign: str) -> Markup:
    """Language and direction of a text in another language than the page, as attributes."""
    shown = ' lang="{}" dir="{}"' if foreign else ""
    return Markup(shown).format(foreign, direction_of(foreign))  # noqa: S704


def _iso(value: datetime) -> str:
    return value.isoformat(timespec="seconds")
