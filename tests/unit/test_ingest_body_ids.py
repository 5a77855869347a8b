"""Links within a body: each leads to an id in it, whichever element had the id in the source."""

import re

import pytest

from services.ingest.articles.body.clean import clean

PAGE = "https://www.x.vn/thoi-su/bai-abc.html"


def leads_there(html: str) -> str:
    """The body. Its one link must lead to an id in it, without a warning."""
    body = clean(html, PAGE)
    assert [warned for warned in body.warnings if "the picture" not in warned.message] == []
    [target] = re.findall(r'href="#([^"]+)"', body.html)
    assert body.html.count(f'id="{target}"') == 1
    assert clean(body.html, PAGE).html == body.html
    return body.html


@pytest.mark.parametrize(
    "href",
    [
        "https://www.x.vn/thoi-su/bai-abc.html#fn1",
        "http://www.x.vn/thoi-su/bai-abc.html#fn1",
        "https://WWW.X.VN/thoi-su/bai-abc.html#fn1",
        "//www.x.vn/thoi-su/bai-abc.html#fn1",
        "/thoi-su/bai-abc.html#fn1",
        "bai-abc.html#fn1",
        "file:///C:/x.htm#fn1",
        "about:blank#fn1",
    ],
)
def test_a_link_to_the_article_itself_leads_into_its_body(href: str) -> None:
    assert leads_there(f'<p><a href="{href}">1</a></p><p id="fn1">x</p>')


@pytest.mark.parametrize(
    "href", ["/thoi-su/bai-abc.html", "/thoi-su/khac.html#fn1", "/thoi-su/bai-abc.html?p=2#fn1"]
)
def test_a_link_to_another_page_is_kept(href: str) -> None:
    body = clean(f'<p><a href="{href}">1</a></p><p id="fn1">x</p>', PAGE)
    assert f'<a href="{href}"' in body.html


def test_a_link_to_a_word_document_without_a_target_is_removed() -> None:
    for href in ("file:///C:/x.htm", "about:blank", "file:///C:/x.htm#khong-co"):
        body = clean(f'<a href="{href}">a</a>', PAGE)
        assert body.html == "a"
        assert len(body.warnings) == 1


@pytest.mark.parametrize(
    "empty",
    [
        "<h2 id=m></h2>", "<p id=m></p>", "<pre id=m></pre>", "<p><b id=m></b>a",
        "<sup id=m></sup>",
        "<p id=m><div>a</div>", "<br id=m>", "<hr id=m>", "<img name=m src=/a.jpg>",
        "<img id=m src=/a.jpg>",
        "a<img id=m src=data:x>", "<span id=m></span>", "<x-own id=m></x-own>",
        "<p>a<b id=m></b></p>",
        "<b id=m style='font-weight:normal'></b>", "<a id=x name=m></a>", "<a id=m name=x>a</a>",
        "<b><b id=m></b></b>", "<a href=/y id=m></a>", "<td id=m></td>", "<ul><li id=m></ul>",
        "<sup><i id=m></i></sup>", "<p>a<p id=m>&nbsp;</p>", "<h3 id=m><!-- --></h3>",
    ],
)  # fmt: skip
def test_the_id_of_an_empty_element_moves_to_another_element(empty: str) -> None:
    assert leads_there(f'{empty}<p>z</p><h2>y</h2><p>x <a href="#m">x</a></p>')


def test_the_id_of_an_empty_element_keeps_its_place() -> None:
    assert '<h2 id="body-m">y</h2>' in leads_there('<p id=m></p><h2>y</h2><a href="#m">x</a>')
    assert leads_there('<a id=m></a>a<p><a href="#m">x</a></p>').startswith('<p id="body-m">a</p>')
    assert 'a<span id="body-m"></span>b' in leads_there(
        '<p>a<sup id=m></sup>b</p><a href="#m">x</a>'
    )


def test_different_ids_stay_different() -> None:
    notes = ["fn*", "fn**", "*", "†", "fn-1", "fn 1a", "x" * 120 + "1", "x" * 120 + "2"]
    links = "".join(f'<p><a href="#{note}">{note}</a></p>' for note in notes)
    body = clean(links + "".join(f'<p id="{note}">x</p>' for note in notes), PAGE)
    assert body.warnings == ()
    assert re.findall(r'href="#([^"]+)"', body.html) == re.findall(r' id="([^"]+)"', body.html)
    assert len(set(re.findall(r' id="([^"]+)"', body.html))) == len(notes)
    assert clean(body.html, PAGE).html == body.html
