"""Limits on markup: what costs more to repair than it is long is refused before it is parsed."""

import time

import pytest

from services.ingest.markup import excess


@pytest.mark.parametrize(
    "html",
    [
        "<p>Một <b>hai</b> ba</p>" * 2000,
        "<p>không đóng" * 5000,
        "<ul>" + "<li>mục" * 5000 + "</ul>",
        "<table>" + "<tr><td>1<td>2" * 3000 + "</table>",
        "<blockquote>" * 100 + "sâu",
        "<b>" * 12,
        '<img src="/a.webp" alt="' + "một câu rất dài " * 50 + '">',
        "1 < 2 && 3 > 2",
        "<!-- <b><b><b><b><b><b><b><b><b><b><b><b><b><b> -->",
        "",
    ],
)
def test_what_articles_have_is_let_through(html: str) -> None:
    assert excess(html) is None


@pytest.mark.parametrize(
    ("html", "what"),
    [
        ("<b>" * 13, "open within"),
        ("<p><b><i></p>" * 20, "open within"),
        ("<b><!-- </b> -->" * 20, "open within"),
        ("<b></i>" * 20, "open within"),
        ("<b title='</b>'>" * 20, "open within"),
        ("<B>" * 13, "open within"),
        ("<div>" * 101, "open within"),
        ("<ul><li>" * 101, "open within"),
        ("<table>x" * 101, "open within"),
        ("<br>" * 20_001, "tags"),
        ("<p>x</p>" * 10_001, "tags"),
        ("<p " + " ".join(f"a{number}=1" for number in range(61)) + ">", "attributes"),
        ("&" * 30_001, "ampersands"),
    ],
)
def test_too_much_is_named(html: str, what: str) -> None:
    assert what in str(excess(html))


@pytest.mark.parametrize("piece", ["<b", "<a '", '<a "', "<!--", "<!-", "</", "<a/", "< ", "'\"<a", "<p a="])
def test_the_pass_takes_time_in_proportion_to_the_length(piece: str) -> None:
    """A quarter of a megabyte of anything is judged quickly: a pass that grew with the square would take minutes."""
    started = time.process_time()
    excess(piece * ((1 << 18) // len(piece)))
    assert time.process_time() - started < 3
