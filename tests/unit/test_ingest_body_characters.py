"""Limits on characters in an editor's texts. They hold for entities and across elements too."""

import unicodedata
from html import unescape

import pytest
from pydantic import TypeAdapter, ValidationError

from services.ingest.articles.body.characters import MAX_MARKS, fewer_marks
from services.ingest.articles.body.clean import clean
from services.ingest.articles.texts import Filled

PAGE = "https://www.x.vn/thoi-su/bai-abc.html"
MARKS = "\u0301\u0323\u0489\U0001e944\U00011300"


def marks_of(html: str) -> int:
    return sum(html.count(mark) for mark in MARKS)


@pytest.mark.parametrize(
    "html",
    [
        "a" + "&#769;" * 2000,
        "a" + "&#x301;&#x323;" * 1000,
        "a" + "\u0301<!---->" * 2000,
        "a" + "\u0301\u200d" * 2000,
        "a" + "&#769;&zwj;" * 2000,
        "a" + "\u0301\U000e0020" * 2000,
        "a" + "<i>\u0301</i>" * 2000,
        "a" + "<x-own>\u0489</x-own>" * 2000,
        "a" + "<i>\u0301\u0323</i>\u00ad<b>\u0489</b>" * 500,
        "𞤀" + "\U0001e944" * 2000,
        "a" + "\u0301\U0001e944" * 1000,
        '<img src="/a.jpg" alt="a' + "&#769;" * 2000 + '">',
        '<abbr title="a' + "\u0323&#x200d;" * 2000 + '">x</abbr>',
    ],
)
def test_marks_on_a_letter_are_bounded_across_entities_elements_and_joiners(html: str) -> None:
    body = clean(html, PAGE).html
    assert 0 < marks_of(body) <= MAX_MARKS
    assert clean(body, PAGE).html == body


@pytest.mark.parametrize("between", ["b", " ", "<br>", "<p>", '<img src="/a.jpg" alt="a">'])
def test_each_letter_may_have_the_full_number_of_marks(between: str) -> None:
    letter = "a" + "\u0489" * MAX_MARKS
    assert marks_of(clean(f"{letter}{between}{letter}", PAGE).html) == 2 * MAX_MARKS


@pytest.mark.parametrize(
    ("text", "before", "kept"),
    [
        ("", 3, ("", 3)),
        ("a", 3, ("a", 0)),
        ("\u200d", 3, ("\u200d", 3)),
        ("đ", 3, ("đ", 0)),
        ("\u0489" * 9, 0, ("\u0489" * 8, 8)),
        ("\u0489" * 9, 6, ("\u0489" * 2, 8)),
        ("\u0489b\u0489", 8, ("b\u0489", 1)),
        ("\u0489b", 8, ("b", 0)),
        ("b\u0489\u200d", 8, ("b\u0489\u200d", 1)),
    ],
)
def test_marks_are_counted_across_texts(text: str, before: int, kept: tuple[str, int]) -> None:
    assert fewer_marks(text, before) == kept


def test_marks_in_a_title_are_bounded_across_joiners() -> None:
    title = TypeAdapter(Filled).validate_python("a" + "\u0489\u200d" * 140)
    assert title.count("\u0489") == MAX_MARKS


@pytest.mark.parametrize("between", ["\x0b", "\x0c", "\x85", "\x1f", "&#11;", "&#12;"])
def test_a_control_character_between_words_becomes_a_line_break(between: str) -> None:
    assert clean(f"<p>Câu một{between}câu hai</p>", PAGE).html == "<p>Câu một\ncâu hai</p>"


@pytest.mark.parametrize("number", ["1", "8", "127", "133", "65535", "xFFFE", "x1b"])
def test_control_characters_from_entities_are_removed(number: str) -> None:
    control = f"&#{number};"
    html = f"<p>a{control}b</p><p>{control}</p>"
    html += f'<p title="x{control}"><img src="/a.jpg" alt="c{control}" title="{control}">'
    body = clean(html, PAGE).html
    if number == "133":  # HTML reads 128 to 159 as windows-1252
        assert body.count("…") == 4
    else:
        assert body == '<p>ab</p><p><img src="/a.jpg" alt="c" loading="lazy"></p>'
    assert clean(body, PAGE).html == body


@pytest.mark.parametrize(
    "html",
    [
        "<p>e&#770;&#769;</p>",
        "<p>e<x-own>\u0302</x-own>\u0301</p>",
        "<p>e<!-- -->\u0302</p>",
        '<img src="/e&#770;.jpg" alt="e&#770;">',
        "<p>a" + "&#x344;" * 20 + "</p>",
        '<a href="#e&#770;">x</a><p id="ê">y</p>',
    ],
)
def test_a_stored_body_is_in_nfc_and_is_cleaned_to_itself(html: str) -> None:
    body = clean(html, PAGE).html
    assert unicodedata.is_normalized("NFC", unescape(body))
    assert clean(body, PAGE).html == body


@pytest.mark.parametrize(
    "unseen", ["\u2065", "\ufff0", "\U000e0002", "\U000e0fff", "\U0001d159", "\ufffc"]
)
def test_a_text_of_invisible_characters_counts_as_empty(unseen: str) -> None:
    with pytest.raises(ValidationError, match="must not be blank"):
        TypeAdapter(Filled).validate_python(unseen)
    with pytest.raises(ValueError, match="must not be empty"):
        clean(f"<p>{unseen}</p>", PAGE)


def test_a_horizontal_rule_alone_counts_as_empty() -> None:
    with pytest.raises(ValueError, match="must not be empty"):
        clean("<hr>", PAGE)


def test_an_invisible_alt_text_counts_as_missing() -> None:
    [warned] = clean('<img src="/a.jpg" alt="&#8203;">', PAGE).warnings
    assert warned.message.endswith("has no alt text for people who can't see it")


@pytest.mark.parametrize(
    "html",
    [
        "--><mglyph>\u0338",
        "<p>a&gt;&#824;b",
        "<p>a&lt;&#824;b",
        "<p>a&gt;<b>&#824;</b>",
        "<p>\u226f \u226e",
    ],
)
def test_a_combining_stroke_after_an_escape_is_composed_with_it(html: str) -> None:
    once = clean(html, PAGE).html
    assert clean(once, PAGE).html == once


@pytest.mark.parametrize("none", ["\ufdd0", "\ufdef", "\U0001fffe", "\U0010ffff"])
def test_noncharacters_are_left_out_of_texts_and_bodies(none: str) -> None:
    """HTML forbids them, and feeds of XML may have them: a page that shows one is not valid."""
    assert TypeAdapter(Filled).validate_python(f"a{none}b\ue000") == "ab\ue000"
    with pytest.raises(ValidationError, match="must not be blank"):
        TypeAdapter(Filled).validate_python(none * 3)
    body = clean(f'<p title="x{none}y">a{none}b&#{ord(none)};c</p>', PAGE).html
    assert none not in body
    assert "abc" in body.replace("\ufffd", "")
