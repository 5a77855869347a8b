"""What pages say in each language: catalogues are complete, and numbers and times are as people
write them.
"""

import re
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from babel.messages.pofile import read_po

from services.render.languages.words import (
    FOLDER,
    PAGE_LANGUAGES,
    SOURCE_LANGUAGE,
    Words,
    catalogue,
    direction_of,
)
from tests.support.messages import Message, said

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
MOMENT = datetime(2026, 11, 28, 7, 5, 33, tzinfo=UTC)
OTHERS = [language for language in PAGE_LANGUAGES if language != SOURCE_LANGUAGE]
PLACE = re.compile(r"%\(\w+\)s|%.")


def every(text: Any) -> tuple[str, ...]:
    """A message, or its singular and plural."""
    return (text,) if isinstance(text, str) else tuple(text)


@pytest.mark.parametrize("language", OTHERS)
def test_a_catalogue_has_every_message_once_and_no_other(language: str) -> None:
    with (FOLDER / language / "messages.po").open("rb") as file:
        held = read_po(file, locale=language, abort_invalid=True)
    messages: dict[Message, tuple[str, ...]] = {}
    for each in held:
        if not each.id:
            continue
        assert not each.fuzzy, each.id
        key = each.id if isinstance(each.id, str) else tuple(each.id)
        messages[key] = every(each.string)
        assert all(messages[key]), f"{each.id} is not translated"
        for text in messages[key]:
            places = sorted(PLACE.findall(text))
            assert places == sorted(PLACE.findall(every(each.id)[0])), each.id
    expected = said()
    assert {key: expected[key] for key in expected.keys() - messages.keys()} == {}, "missing"
    assert messages.keys() - expected.keys() == set(), "unused"
    assert len(messages) > 70
    print(f"\n{language}: {len(messages)} messages")


def test_a_language_without_a_catalogue_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no messages in 'fr', only in vi, en"):
        catalogue("fr")


@pytest.mark.parametrize(
    ("language", "number", "moment", "day", "month", "size"),
    [
        ("vi", "7.666", "28/11/2026 14:05", "Thứ Bảy, 28/11/2026", "Tháng 11/2026", "1,2\xa0MB"),
        ("en", "7,666", "28 Nov 2026, 14:05", "Saturday, 28 November 2026", "November 2026",
         "1.2\xa0MB"),
    ],
)  # fmt: skip
def test_each_language_has_its_notation(
    language: str, number: str, moment: str, day: str, month: str, size: str
) -> None:
    words = Words(language, ZONE)
    assert words.number(7666) == number
    assert words.moment(MOMENT) == moment
    assert words.day(MOMENT) == day
    assert words.month(MOMENT) == month
    assert words.size(1_234_567) == size


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (1, "1\xa0B"),
        (999, "999\xa0B"),
        (1000, "1\xa0kB"),
        (33_499, "33\xa0kB"),
        (999_600, "1\xa0MB"),
        (9_950_000, "10\xa0MB"),
        (5_000_000_000_000, "5000\xa0GB"),
    ],
)
def test_sizes_of_files_are_short(count: int, text: str) -> None:
    assert Words("vi", ZONE).size(count) == text


@pytest.mark.parametrize(
    ("tag", "direction"),
    [("vi", "ltr"), ("en-GB", "ltr"), ("ar", "rtl"), ("he", "rtl"), ("xx", "ltr"), ("zz-1", "ltr")],
)
def test_the_direction_of_a_language(tag: str, direction: str) -> None:
    assert direction_of(tag) == direction
