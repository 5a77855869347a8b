"""Keys of tags, and places in lists, as links carry them."""

import unicodedata
from datetime import UTC, datetime

import pytest

from services.render.cursors import PagePlace, cursor_of, place_of
from services.render.keys import tag_key


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Lễ hội", "lễ-hội"),
        ("  Điện Biên  Phủ ", "điện-biên-phủ"),
        ("COVID-19", "covid-19"),
        ("a/b?c#d%e", "a-b-c-d-e"),
        ("../..", ""),
        ("!!", ""),
        ("má", "má"),
        ("mạ", "mạ"),
        ("C++ & C#", "c-c"),
        ("ẞß", "ssss"),
        ("5.000 ₫", "5-000"),
        ("snake_case", "snake-case"),
    ],
)
def test_a_key_keeps_letters_diacritics_and_digits(name: str, key: str) -> None:
    assert tag_key(name) == key
    assert tag_key(unicodedata.normalize("NFD", name)) == key
    assert tag_key(key) == key


def test_a_key_is_one_whatever_the_order_of_marks() -> None:
    """windows-1258 keeps the tone behind a letter that has its circumflex, some keyboards before
    it.
    """
    for written in ("l\u00ea\u0303 h\u00f4\u0323i", "le\u0303\u0302 ho\u0323\u0302i"):
        assert tag_key(written) == "lễ-hội"


@pytest.mark.parametrize(
    ("moment", "cursor"),
    [
        (datetime(2026, 11, 28, 7, 5, 1, 123000, tzinfo=UTC), "1795849501123-ls0001"),
        (datetime(1970, 1, 1, tzinfo=UTC), "0-ls0001"),
        (datetime(1969, 12, 31, 23, 59, 59, 999000, tzinfo=UTC), "-1-ls0001"),
        (datetime(1900, 1, 1, tzinfo=UTC), "-2208988800000-ls0001"),
        (datetime(2900, 12, 31, tzinfo=UTC), "29379456000000-ls0001"),
    ],
)
def test_a_cursor_names_a_place_to_the_millisecond(moment: datetime, cursor: str) -> None:
    assert cursor_of(PagePlace(moment, "ls0001")) == cursor
    assert place_of(cursor) == PagePlace(moment, "ls0001")


@pytest.mark.parametrize(
    "cursor", ["", "1", "1-", "-a", "1-A", "x-a", "1-a\n", "99999999999999999-a", "1 -a", "1-á"]
)
def test_what_is_no_cursor_is_no_place(cursor: str) -> None:
    assert place_of(cursor) is None


def test_a_place_beyond_the_calendar_is_none() -> None:
    assert place_of("-99999999999999-a") is None
