"""The languages of the pages: texts, numbers, and moments. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from services.stats.drawing.notation import ENGLISH, VIETNAMESE, Notation
from services.stats.pages.words import TEXTS
from services.stats.periods import Step

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True)
class Language:
    """One of the languages: its code, texts, numbers and days of the week, Monday first."""

    code: str
    words: Mapping[str, str]
    notation: Notation
    weekdays: tuple[str, ...]
    short_weekdays: tuple[str, ...]

    def say(self, key: str, **filled: object) -> str:
        """A text of `TEXTS`. Raises KeyError for an unknown one."""
        return self.words[key].format(**filled)

    def weekday(self, day: date) -> str:
        """The day's name."""
        return self.weekdays[day.weekday()]

    def short_day(self, day: date) -> str:
        """A day of a few characters: `23/11`, `23 Nov`."""
        if self.code == "vi":
            return f"{day.day}/{day.month}"
        return f"{day.day} {_MONTHS[day.month - 1]}"

    def whole_day(self, day: date) -> str:
        """A day: `23/11/2026`, `23 Nov 2026`."""
        if self.code == "vi":
            return day.strftime("%d/%m/%Y")
        return f"{self.short_day(day)} {day.year}"

    def month(self, day: date) -> str:
        """The month of a day: `11/2026`, `Nov 2026`."""
        return (
            f"{day.month}/{day.year}"
            if self.code == "vi"
            else f"{_MONTHS[day.month - 1]} {day.year}"
        )

    def hour(self, hour: int) -> str:
        """An hour of the day: `8h`, `8:00`."""
        return f"{hour}h" if self.code == "vi" else f"{hour}:00"

    def step(self, step: Step, start: datetime, *, with_day: bool = True) -> str:
        """The step of a series that begins at `start`, which is in the site's zone."""
        if step == "month":
            return self.month(start)
        if step == "hour":
            clock = start.strftime("%H:%M")
            return f"{clock}, {self.whole_day(start)}" if with_day else clock
        return self.whole_day(start)

    def moment(self, moment: datetime, now: datetime) -> str:
        """A moment in the site's zone: `14:36:05`, with its day if that is not the day of `now`."""
        clock = moment.strftime("%H:%M:%S")
        return clock if moment.date() == now.date() else f"{clock}, {self.whole_day(moment)}"


def _texts(place: int) -> dict[str, str]:
    return {key: texts[place] for key, texts in TEXTS.items()}


LANGUAGES = {
    "vi": Language(
        code="vi",
        words=_texts(0),
        notation=VIETNAMESE,
        weekdays=("thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy", "Chủ nhật"),
        short_weekdays=("T2", "T3", "T4", "T5", "T6", "T7", "CN"),
    ),
    "en": Language(
        code="en",
        words=_texts(1),
        notation=ENGLISH,
        weekdays=(*("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),),
        short_weekdays=("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    ),
}
DEFAULT_LANGUAGE = "vi"
