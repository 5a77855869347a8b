"""The words of pages in one language, and how it writes numbers, times and sizes. Pure.

Messages are Vietnamese, as they stand in the templates. Each other language has a gettext catalogue
beside this module, `<language>/messages.po`, which tests keep complete. Patterns of dates are
messages too.
"""

from datetime import datetime
from functools import cache, lru_cache, partial
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_datetime
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

FOLDER = Path(__file__).parent
SOURCE_LANGUAGE = "vi"
"""The language of the messages."""
PAGE_LANGUAGES = (SOURCE_LANGUAGE, "en")
"""The languages that pages can have."""
_KILO = 1000
_UNITS = ("B", "kB", "MB", "GB")


@cache
def catalogue(language: str) -> NullTranslations:
    """The messages of one of `PAGE_LANGUAGES`. Raises ValueError for another."""
    if language == SOURCE_LANGUAGE:
        return NullTranslations()
    if language not in PAGE_LANGUAGES:
        raise ValueError(
            f"pages have no messages in {language!r}, only in {', '.join(PAGE_LANGUAGES)}"
        )
    compiled = BytesIO()
    with (FOLDER / language / "messages.po").open("rb") as file:
        write_mo(compiled, read_po(file, locale=language))
    compiled.seek(0)
    return GNUTranslations(compiled)


@cache
def direction_of(tag: str) -> str:
    """`rtl` for a language (BCP 47) that is written from right to left, else `ltr`."""
    try:
        return str(Locale.parse(tag, sep="-").text_direction)
    except (UnknownLocaleError, ValueError):
        return "ltr"


class Words:
    """What pages say in `language`, with times in `zone`."""

    def __init__(self, language: str, zone: ZoneInfo) -> None:
        self.language, self.zone = language, zone
        self.messages = catalogue(language)
        self._locale = Locale.parse(language)
        self.group = str(self._locale.number_symbols["latn"]["group"])
        """What stands between the thousands of a number."""
        self._formatted = lru_cache(maxsize=1000)(
            partial(format_datetime, tzinfo=zone, locale=self._locale)
        )

    def say(self, message: str, **values: object) -> str:
        """A message, with `%(name)s` filled in."""
        text = self.messages.gettext(message)
        return text % values if values else text

    def number(self, value: int) -> str:
        """A whole number: `7.666` in Vietnamese, `7,666` in English."""
        return f"{value:,}".replace(",", self.group)

    def moment(self, value: datetime) -> str:
        """A time to the minute: `28/11/2026 14:05`, or `28 Nov 2026, 14:05`."""
        return self._dated(value, self.say("dd/MM/yyyy HH:mm"))

    def day(self, value: datetime) -> str:
        """A day: `Thứ Bảy, 28/11/2026`, or `Saturday, 28 November 2026`."""
        return self._dated(value, self.say("EEEE, dd/MM/yyyy"))

    def month(self, value: datetime) -> str:
        """A month: `Tháng 11/2026`, or `November 2026`."""
        return self._dated(value, self.say("'Tháng' M/yyyy"))

    def month_alone(self, value: datetime) -> str:
        """A month beside its year: `Tháng 11`, or `November`."""
        return self._dated(value, self.say("'Tháng' M"))

    def size(self, count: int) -> str:
        """The size of a file: `1,2 MB`, or `1.2 MB`."""
        value, unit = float(count), 0
        while value >= _KILO - 0.5 and unit < len(_UNITS) - 1:
            value, unit = value / _KILO, unit + 1
        pattern = "0" if unit == 0 or value >= 10 else "0.#"
        return f"{format_decimal(value, format=pattern, locale=self._locale)}\u00a0{_UNITS[unit]}"

    def _dated(self, value: datetime, pattern: str) -> str:
        # No pattern has seconds. New articles have times of the same few minutes.
        there = value.astimezone(self.zone)
        return self._formatted(there.replace(second=0, microsecond=0), pattern)
