"""How search reads texts and questions: words, phrases, days, snippets."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from services.render.search.entries import MOST_WORDS, entry_of
from services.render.search.folding import LONGEST_WORD, words_in
from services.render.search.plain import text_of_html
from services.render.search.questions import (
    LONGEST_QUESTION,
    MOST_ASKED_WORDS,
    Question,
    begin_of_day,
    end_of_day,
    runs_of,
    typed_day,
)
from services.render.search.snippets import marked, snippet_of
from tests.support.searches import FORMS, searched_article

VOWELS = {"a": "aàáảãạăằắẳẵặâầấẩẫậ", "e": "eèéẻẽẹêềếểễệ", "i": "iìíỉĩị", "u": "uùúủũụưừứửữự"}
VOWELS |= {"o": "oòóỏõọôồốổỗộơờớởỡợ", "y": "yỳýỷỹỵ", "d": "dđ"}
"""All 134 letters with marks of Vietnamese, in lower case, by the letter without them."""


@pytest.mark.parametrize("form", FORMS)
def test_every_letter_is_itself_in_every_form(form: str) -> None:
    seen, number = set[str](), 0
    for plain, letters in VOWELS.items():
        for letter in letters:
            for written in (letter, letter.upper()):
                (word,) = words_in(FORMS[form](f"b{written}n"))
                assert word == words_in(f"b{letter}n")[0]
                assert word.folded == f"b{plain}n"
                seen.add(word.accented)
                number += 1
    assert (len(seen), number) == (74, 148)  # 67 with marks, 7 without


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Điện Biên", "dien bien"),
        ("đ Đ ð Ð Ɖ", "d d d d d"),
        ("hoà hòa HÒA", "hoa hoa hoa"),
        ("kỹ kĩ Mỹ quý quí y ý", "ki ki mi qui qui y y"),
        ("13/07/2021", "13 7 2021"),
        ("007 00 0", "007 0 0"),
        ("1.500.000 đồng, 3,5%", "1500000 dong 3 5"),
        ("1,500 12.345,6 2.0215", "1500 12345 6 2 0215"),
        ("COVID-19 F0 5G m²", "covid 19 f 0 5 g m 2"),
        ("TP.HCM; TP. HCM", "tp hcm tp hcm"),
        ("L’Oréal don't", "l oreal don t"),
        ("Straße ÆØŁ ﬁn", "strasse aeol fin"),
        ("日本語abc한국어", "日 本 語 abc한국어"),
        ("１２ ＡＢ", "12 ab"),
        ("x" * 50, "x" * LONGEST_WORD),
        ("- … “” ' \u0301 \u200b", ""),
        ("", ""),
    ],
)
def test_texts_have_these_words(text: str, folded: str) -> None:
    assert " ".join(word.folded for word in words_in(text)) == folded


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>Một</p><p>hai</p>", "Một\nhai"),
        ("<p><b>Đ</b>iện <em>Bi</em>ên</p>", "Điện Biên"),
        ("a<br>b", "a\nb"),
        ('<img src="x" alt="a > b">c', "c"),
        ("<table><tr><td>1</td><td>2</td></tr></table>", "1\n2"),
        ("&lt;b&gt; &amp; &nbsp;&#272;", "<b> & Đ"),
        ("1 < 2", "1 < 2"),
        ("<p>  a \n b </p>", "a\nb"),
        ("", ""),
    ],
)
def test_the_text_of_html(html: str, text: str) -> None:
    assert text_of_html(html) == text


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("hoa ban", ["hoa ban"]),
        ('"hoa ban" nở', ["hoa ban!", "no"]),
        ("“hoa ban” «lễ hội»", ["hoa ban!", "le hoi!"]),
        ('lễ "hội', ["le hoi"]),
        ("lễ hội, hoa ban; nở", ["le hoi", "hoa ban", "no"]),
        ("3,5% 1,500", ["3 5 1500"]),
        ("hoa hoa", ["hoa hoa"]),
        ("hoa, hoa", ["hoa"]),
        ('""', []),
        ("?!", []),
        (" ".join("abcdefghijklmnopqrstuvw"), [" ".join("abcdefghijklmnop")]),
        ("x " * LONGEST_QUESTION, [" ".join("x" * MOST_ASKED_WORDS)]),
    ],
)
def test_questions_have_these_runs(text: str, runs: list[str]) -> None:
    found = [" ".join(run.folded) + "!" * run.strict for run in runs_of(text)]
    assert found == runs


def test_days_are_read_as_browsers_and_people_write_them() -> None:
    for text in ("2026-11-28", " 28/11/2026", "28.11.2026", "28-11-2026"):
        assert typed_day(text) == date(2026, 11, 28)
    for text in ("", "2026-13-01", "30/02/2026", "28/11/26", "hôm qua", "0000-01-01"):
        assert typed_day(text) is None
    zone = ZoneInfo("Asia/Ho_Chi_Minh")
    assert begin_of_day(date(2026, 11, 28), zone) == datetime(2026, 11, 28, tzinfo=zone)
    assert end_of_day(date(2026, 11, 30), zone) == datetime(2026, 12, 1, tzinfo=zone)
    assert end_of_day(date.max, zone) is None


def test_a_long_article_is_searched_up_to_its_bound() -> None:
    body = "".join(f"<p>tin số {number}</p>" for number in range(MOST_WORDS))
    entry = entry_of(searched_article(id="a", title="Bài dài", body_html=body), "vi")
    assert len(entry.folded.split()) == MOST_WORDS
    assert len(entry.keys) < 3 * MOST_WORDS


def ask(text: str) -> Question:
    return Question(runs=runs_of(text))


@pytest.mark.parametrize(
    ("question", "text", "snippet"),
    [
        ("hoa ban", "Mùa hoa ban nở.", "Mùa <mark>hoa ban</mark> nở"),
        ("HOA BẠN", "Mùa hoa ban nở", "Mùa <mark>hoa ban</mark> nở"),
        ("mạ", "Má gieo mạ mà vui", "Má gieo <mark>mạ</mark> mà vui"),
        ("ma", "Má gieo mạ", "<mark>Má</mark> gieo <mark>mạ</mark>"),
        ("dien bien", "Điện <Biên> & Biên", "<mark>Điện &lt;Biên</mark>&gt; &amp; Biên"),
        ("hoa ban trắng", "hoa ban, hoa trắng", "<mark>hoa ban</mark>, hoa trắng"),
        ("1500", "giá 1.500 đồng", "giá <mark>1.500</mark> đồng"),
        ("một\nhai", "một\nhai", "<mark>một hai</mark>"),
        ("vắng", "không có", None),
    ],
)
def test_snippets_mark_whole_words_as_they_are_written(
    question: str, text: str, snippet: str | None
) -> None:
    assert snippet_of(ask(question), text) == snippet


def test_a_snippet_is_the_piece_around_the_words() -> None:
    text = " ".join(f"từ{'x' * number}" for number in range(40)) + " hoa ban " + "sau " * 40
    snippet = str(snippet_of(ask("hoa ban"), text))
    assert snippet.startswith(f"…từ{'x' * 32} ")
    assert "<mark>hoa ban</mark> sau" in snippet
    assert snippet.endswith(" sau…")
    assert len(snippet.replace("<mark>", "").replace("</mark>", "").split()) == 32


def test_a_title_is_marked_and_stays_whole() -> None:
    assert marked(ask("kieu"), "“Truyện Kiều” & rối!") == "“Truyện <mark>Kiều</mark>” &amp; rối!"
    assert marked(ask("x"), "<&>") == "&lt;&amp;&gt;"
