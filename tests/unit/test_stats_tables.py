"""CSV, and who gets it."""

import time

import pytest

from services.stats.tables import cell, chosen_form, to_csv, wants_csv


def test_a_table_has_a_header_and_crlf() -> None:
    assert (
        to_csv(("article", "reads"), [("ls0001", 7)])
        == b"\xef\xbb\xbfarticle,reads\r\nls0001,7\r\n"
    )


def test_quotes_commas_and_letters_are_kept() -> None:
    table = to_csv(("title",), [('Đoàn "Hội", đường',)])
    assert table.decode("utf-8-sig") == 'title\r\n"Đoàn ""Hội"", đường"\r\n'


@pytest.mark.parametrize(
    "title",
    [
        *("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1"),
        *("＝1", "＋1", "－1", "＠SUM(A1)"),
    ],
)
def test_a_title_is_never_a_formula(title: str) -> None:
    assert (
        to_csv(("title",), [(title,)])
        .decode("utf-8-sig")
        .splitlines()[1]
        .lstrip('"')
        .startswith("'")
    )


def test_numbers_and_plain_titles_stay_as_they_are() -> None:
    assert to_csv(("title", "reads"), [("A = B", -1)]) == b"\xef\xbb\xbftitle,reads\r\nA = B,-1\r\n"
    assert to_csv(("title",), [("x=1",)]) == b"\xef\xbb\xbftitle\r\nx=1\r\n"


def test_what_utf_8_cannot_write_is_a_question_mark() -> None:
    assert to_csv(("title",), [("a\ud800b",)]) == b"\xef\xbb\xbftitle\r\na?b\r\n"


@pytest.mark.parametrize(
    ("asked", "accept", "csv"),
    [
        ("csv", "application/json", True),
        ("json", "text/csv", False),
        (None, "", False),
        (None, "text/csv", True),
        (None, "Text/CSV; charset=utf-8", True),
        (None, "text/csv, */*", True),
        (None, "*/*", False),
        (None, "text/*", False),
        (None, "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", False),
        (None, "application/json, text/csv;q=0.5", False),
        (None, "application/json;q=0.2, text/csv;q=0.5", True),
        (None, "text/csv;q=1", True),
        (None, "text/csv;q=0.5", True),
        (None, "text/csv;q=0.5, */*", False),
        (None, "text/csv;q=0.5, application/*", False),
        (None, "text/csv;q=0", False),
        (None, "text/csv;q=nonsense", False),
        (None, "text/csv;q=inf, application/json", False),
        (None, "text/csv;q=nan", False),
        (None, "text/csv;q=2, application/json;q=0.1", False),
        (None, "text/csv," + "," * 30_000, True),
        (None, "text/plain," * 50 + "text/csv", False),
        (None, ";,;q=,text/csv", True),
    ],
)
def test_who_gets_csv(asked: str | None, accept: str, csv: bool) -> None:
    assert wants_csv(asked, accept) is csv


@pytest.mark.parametrize(
    ("asked", "accept", "series", "export"),
    [
        (None, "", "json", "csv"),
        (None, "*/*", "json", "csv"),
        (None, "application/x-ndjson", "ndjson", "ndjson"),
        (None, "application/x-ndjson, */*", "ndjson", "ndjson"),
        (None, "application/x-ndjson;q=0.5, */*", "json", "csv"),
        (None, "application/x-ndjson;q=0.5, text/*", "ndjson", "csv"),
        (None, "text/csv, application/x-ndjson", "csv", "ndjson"),
        (None, "text/csv;q=0.9, application/x-ndjson", "ndjson", "ndjson"),
        (None, "text/csv, application/x-ndjson;q=0.9", "csv", "csv"),
        (None, "application/json, application/x-ndjson;q=0.9", "json", "ndjson"),
        (None, "application/x-ndjson;q=0, text/html", "json", "csv"),
        (None, "text/html,application/xhtml+xml,*/*;q=0.8", "json", "csv"),
        ("ndjson", "text/csv", "ndjson", "ndjson"),
        ("csv", "application/x-ndjson", "csv", "csv"),
    ],
)
def test_who_gets_ndjson(asked: str | None, accept: str, series: str, export: str) -> None:
    found = [
        chosen_form(asked, accept, forms)
        for forms in (("json", "csv", "ndjson"), ("csv", "ndjson"))
    ]
    assert found == [series, export]


def test_what_is_not_known_is_an_empty_cell_and_numbers_stay_numbers() -> None:
    assert [cell(value) for value in (None, 0, 0.5, -1.25)] == ["", 0, 0.5, -1.25]
    assert to_csv(("a", "b"), [(None, 1.5)]).decode() == "\ufeffa,b\r\n,1.5\r\n"


@pytest.mark.parametrize(
    "text",
    [
        *("Mar 8", "May 1", "mar-8", "may1", "8-Mar", "8 March 2026", "Sept 2", "1may", "DEC-25"),
        *("March 8, 2026", "May 1 10:30 am", "8/mar/26", "Janu 5", "2026 May"),
        *("8 Tháng 3", "8 Tháng Ba 2026", "Thg 3 2026", "8-Thg3-2026", "thang 3", "thg3-8"),
        *("Ngày 8 tháng 3 năm 2026", "Ng\u0061\u0300y 8 tha\u0301ng 3"),
        *("TRUE", "true", "False", "Đúng", "sai"),
        *("00123", "1e5", "1d5", "30/4", "10:30 PM", "7a", "50%", "1.000 ₫", "$5", ".5", "(5)"),
        *(" 30/4", "30/4 "),
    ],
)
def test_what_looks_like_a_value_stays_text(text: str) -> None:
    assert cell(text) == f'="{text}"'


@pytest.mark.parametrize(
    "text",
    [
        *("May", "March", "tháng ba", "Mayor 1", "marble-8", "Mars 2020", "tin", "van-hoa"),
        *("may-be", "trueness", "Đúng 8 giờ", "sai lầm", "Maybach 600", "Thang máy 3", "octopus8"),
        *("8 người", "Tháng 3 mùa con ong", "ls0001", "1eb", "a1", "decade-90", "2026-hoi-nghi"),
    ],
)
def test_words_with_a_number_are_no_values(text: str) -> None:
    assert cell(text) == text


def test_a_long_title_is_looked_at_in_no_time() -> None:
    began = time.perf_counter()
    for text in ("may" + "1" * 5000, "1 " * 5000 + "x", "tháng 1" + " ." * 5000, "." * 9000):
        assert cell(text)
    assert time.perf_counter() - began < 0.2
