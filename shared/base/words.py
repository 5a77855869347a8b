"""Texts of the site in its languages. Pure."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import PlainValidator, ValidationInfo

from shared.base.texts import as_line

DEFAULT_LANGUAGES = ("vi",)
"""The languages of a site that names none."""


class SiteText(str):
    """A text in the site's first language, with its translations."""

    translations: Mapping[str, str]

    def __new__(cls, text: str, translations: Mapping[str, str] | None = None) -> "SiteText":
        """`translations`: by language, without the first one."""
        words = super().__new__(cls, text)
        words.translations = dict(translations or {})
        return words

    def said_in(self, language: str) -> str:
        """The text in `language`; in the first language if it has no translation."""
        return self.translations.get(language) or str(self)

    def __repr__(self) -> str:
        return f"SiteText({str(self)!r}, {dict(self.translations)!r})"


def words(most: int, least: int = 1) -> Callable[[object, ValidationInfo], SiteText]:
    """A validator: a text of `least` to `most` characters, or a table of them by language."""

    def check(value: object, info: ValidationInfo) -> SiteText:
        if isinstance(value, SiteText):
            return value
        if isinstance(value, str):
            return SiteText(_line(value))
        if not isinstance(value, dict) or not value:
            raise ValueError(
                'must be a text in quotes, or a table of texts by language such as { vi = "Tin", '
                'en = "News" }'
            )
        first, *others = _languages(info)
        for language in value:
            if language not in (first, *others):
                told = ", ".join((first, *others))
                raise ValueError(f"{language[:40]!r} is none of the site's languages ({told})")
        if first not in value:
            raise ValueError(f"has no text in {first}, the site's first language")
        said = {language: _line(text) for language, text in value.items()}
        return SiteText(said.pop(first), said)

    def _line(value: object) -> str:
        line = as_line(value)
        if not isinstance(line, str) or not least <= len(line) <= most:
            raise ValueError(f"must be a text of {least} to {most} characters")
        return line

    return check


def _languages(info: ValidationInfo) -> tuple[str, ...]:
    context: dict[str, Any] = info.context or {}
    given = context.get("languages")
    if isinstance(given, list) and given and all(isinstance(each, str) for each in given):
        return tuple(given)
    return DEFAULT_LANGUAGES


ShortWords = Annotated[SiteText, PlainValidator(words(200))]
LongWords = Annotated[SiteText, PlainValidator(words(500, least=0))]
