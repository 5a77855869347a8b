"""The templates in each language of a site. Pure."""

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
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
from services.render.site.model import WholeSite

FOLDER = Path(__file__).parents[1] / "templates"


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
        extensions=["jinja2.ext.i18n"],
        auto_reload=False,
    )
    # The extension adds it; mypy knows only what the class has.
    made.install_gettext_translations(words.messages, newstyle=True)  # type: ignore[attr-defined]
    prefix = "" if words.language == site.language else f"/{words.language}"
    say = _texts(words)
    made.globals.update(
        {"gettext": say, "_": say},
        site=site,
        static=static,
        tag_key=tag_key,
        words=words,
        language=words.language,
        prefix=prefix,
        direction_of=direction_of,
        with_default=lambda every: with_default(every, site.language),
        foreign=lambda tag: _foreign(tag, words.language),
        path=lru_cache(1000)(lambda *names: "/".join((prefix, *map(quote, names), ""))),
        iso=_iso,
    )
    return made


def _texts(words: Words) -> Callable[..., Markup]:
    """Jinja's `gettext` for the language of `words`. Its own looks each text up again for each
    page, a fifth of a page's time.
    """

    @lru_cache(maxsize=1000)
    def held(text: str) -> Markup:
        return Markup(words.messages.gettext(text))  # noqa: S704

    @lru_cache(maxsize=1000)
    def plain(text: str) -> Markup:
        return held(text) % {}

    def gettext(text: str, /, **shown: object) -> Markup:
        return held(text) % shown if shown else plain(text)

    return gettext


def _foreign(tag: str | None, language: str) -> str:
    """The language of a text, if it is another than the page's; else empty."""
    return "" if not tag or tag == language or tag.startswith(f"{language}-") else tag


def _iso(value: datetime) -> str:
    return value.isoformat(timespec="seconds")
