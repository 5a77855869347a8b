"""What is refused before it is parsed: markup that costs a parser more than it is long."""

import pytest

from services.ingest.body.clean import clean
from services.ingest.body.limits import TooMuch, prepare

PAGE = "https://www.example.org/thoi-su/bai-a1.html"


@pytest.mark.parametrize(
    "html",
    [
        "<p>Một <b>hai</b> ba</p>" * 2000,
        "<p>không đóng" * 5000,
        "<ul>" + "<li>mục" * 5000 + "</ul>",
        "<table>" + "<tr><td>1<td>2" * 3000 + "</table>",
        "<blockquote>" * 100 + "sâu",
        "<div>" * 1000 + "sâu",
        "<p><a name='m'>x" * 100,
        "<b>" * 50 + "x",
        '<img src="/a.webp" alt="' + "một câu rất dài " * 50 + '">',
        "1 < 2 && 3 > 2",
        "&" * 500_000,
        "<!-- " + "<b>" * 1000 + " -->",
        "",
    ],
)
def test_what_articles_have_is_let_through(html: str) -> None:
    assert prepare(html) == html


@pytest.mark.parametrize(
    ("html", "what"),
    [
        ("<b>" * 60 + "<p>x" * 2000, "never closed"),
        ("<p><b><i></p>" * 1000, "never closed"),
        ("<p><b a=1><!-- </b> -->" * 1000, "never closed"),
        ("<p><b></i>" * 1000, "never closed"),
        ("<p><b title='</b>'>" * 1000, "never closed"),
        ("<P><FONT>" * 1000, "never closed"),
        ("<div>" * 7000, "never closed"),
        ("<ul><li>" * 7000, "never closed"),
        ("<table>x" * 7000, "never closed"),
        ("<br>" * 150_001, "150000 tags"),
        ("<p " + " ".join(f"a{number}=1" for number in range(101)) + ">", "attributes"),
    ],
)
def test_too_much_is_named(html: str, what: str) -> None:
    with pytest.raises(TooMuch, match=what):
        prepare(html)


def test_formatting_that_multiplies_is_refused_by_its_size() -> None:
    opened = "".join(f'<span lang="vi-{n:08}">' for n in range(14))
    with pytest.raises(ValueError, match="deeply nested"):
        clean(opened + "<div>x</div>" * 9000, PAGE)


@pytest.mark.parametrize("depth", [100, 3000])
def test_depth_alone_is_harmless(depth: int) -> None:
    assert clean("<blockquote>" * depth + "x", PAGE).html.count("<blockquote>") == min(depth, 60)
    assert clean("<span>" * depth + "x" + "</span>" * depth, PAGE).html == "x"
