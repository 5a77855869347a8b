"""The map: a drawing that may stand in a page, with areas that are links."""

import pytest
from lxml import etree

from services.render.site.drawing import (
    MOST_ELEMENTS,
    Area,
    Drawing,
    NoDrawing,
    drawn,
    read_drawing,
)
from services.render.site.model import WholeSite
from shared.base.site_file import read_site
from tests.support.system import ROOT

ENGLISH = ROOT / "tests/cases/site-en"
SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">{}</svg>'
SOURCE = (
    '<svg viewBox="0 0 300 200"><title>Drawing 1</title>'
    '<defs><linearGradient id="ban-do-water"><stop offset="0" stop-color="#29c" /></linearGradient>'
    '</defs><g id="ban-do-north-bank" class="area t1">'
    '<path d="M0 0h300v80H0z" fill="#cfe3f3" stroke="#456" /></g>'
    '<path id="ban-do-river" d="M0 80h300v40H0z" fill="url(#ban-do-water)" />'
    '<g id="ban-do-island" class="area t2"><path d="M140 95h20v10h-20z" /></g>'
    '<g id="ban-do-south-bank" class="area t3"><path d="M0 120h300v80H0z" />'
    '<text x="10" y="150">South &amp; Bank</text></g></svg>'
)


def drawing(inside: str) -> Drawing:
    return read_drawing("map.svg", SVG.format(inside).encode())


def test_a_drawing_keeps_what_shows_and_leaves_out_what_programs_write() -> None:
    one = read_drawing("map.svg", (ENGLISH / "map.svg").read_bytes())
    assert one.source == SOURCE
    assert one.areas == {"water", "north-bank", "river", "island", "south-bank"}


@pytest.mark.parametrize(
    ("inside", "told"),
    [
        ("\n<script>x()</script>", "line 2: <script> is not allowed"),
        ("<style>*{display:none}</style>", "line 1: <style> is not allowed"),
        ("<foreignObject/>", "line 1: <foreignObject> is not allowed"),
        ("<image href='data:image/png;base64,AA'/>", "line 1: <image> is not allowed"),
        ("<a href='/x'><path/></a>", "line 1: <a> is not allowed"),
        ("<g><set attributeName='href' to='javascript:x()'/></g>", "line 1: <set> is not allowed"),
        ("<animate/>", "line 1: <animate> is not allowed"),
        ("\n\n<g onclick='x()'/>", "line 3: onclick is not allowed: a map does nothing"),
        ("<g ONLOAD='x()'/>", "line 1: ONLOAD is not allowed: a map does nothing"),
        ("<use href='https://e.vn/x.svg#a'/>",
         "line 1: href 'https://e.vn/x.svg#a' must be #id: a map loads nothing"),
        ("<use xmlns:l='http://www.w3.org/1999/xlink' l:href='javascript:x()'/>",
         "line 1: href 'javascript:x()' must be #id: a map loads nothing"),
        ("<path fill='url(https://e.vn/x)'/>",
         "line 1: fill 'url(https://e.vn/x)' must name nothing outside of the drawing"),
        ("<path fill='u\\72l(//e.vn)'/>",
         "line 1: fill 'u\\\\72l(//e.vn)' must name nothing outside of the drawing"),
        ("<path style='fill:URL(//e.vn)'/>",
         "line 1: fill 'URL(//e.vn)' must name nothing outside of the drawing"),
        ("<?xml-stylesheet href='x.css'?>", "line 1: <?xml-stylesheet?> is not allowed"),
        ("<g>", "line 1: is no XML: mismatched tag"),
        ("&lol;", "line 1: is no XML: undefined entity"),
        ("<g/>" * MOST_ELEMENTS, "line 1: has more than 3,000 elements: simplify its lines"),
    ],
)  # fmt: skip
def test_a_drawing_that_could_act_is_refused(inside: str, told: str) -> None:
    with pytest.raises(NoDrawing) as error:
        drawing(inside)
    assert str(error.value) == told


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "line 1: is no XML: no element found"),
        ("<html/>", 'line 1: must be SVG: <svg xmlns="http://www.w3.org/2000/svg">'),
        ("<svg viewBox='0 0 9 9'/>", 'line 1: must be SVG: <svg xmlns="http://www.w3.org/2000/svg">'),
        ("<g xmlns='http://www.w3.org/2000/svg'/>", "line 1: must be SVG"),
        ("<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9'/>",
         'line 1: svg: must have a viewBox such as viewBox="0 0 320 300"'),
        ("<!DOCTYPE svg [\n<!ENTITY a 'b'>]><svg>&a;</svg>",
         "line 1: its DOCTYPE must declare nothing"),
    ],
)  # fmt: skip
def test_what_is_no_drawing_is_refused(content: str, told: str) -> None:
    with pytest.raises(NoDrawing) as error:
        read_drawing("map.svg", content.encode())
    assert str(error.value) == told


def test_classes_of_the_page_and_unknown_attributes_are_left_out() -> None:
    one = drawing("<g class='top area t4 skip' tabindex='0' data-x='1' style='position:fixed'/>")
    assert one.source == '<svg viewBox="0 0 9 9"><g class="area t4" /></svg>'


def test_text_stays_text() -> None:
    one = drawing("<text>a &lt;b&gt; <tspan>c</tspan> &amp;d</text><g>lost</g>")
    assert one.source == (
        '<svg viewBox="0 0 9 9"><text>a &lt;b&gt; <tspan>c</tspan> &amp;d</text><g /></svg>'
    )


def test_areas_that_lead_somewhere_are_links_and_no_others_are_stops() -> None:
    areas = {"a": Area("Mường <Sa>", '/tu-khoa/mường-sa/?"'), "b": Area("Đảo")}
    html = drawn(
        drawing("<g id='a'><text>Sa</text></g><g id='b'/><g id='c'/>"), "Bản đồ", "", areas
    )
    assert html == (
        '<svg viewBox="0 0 9 9" class="map" role="group" aria-labelledby="ban-do-ten">'
        '<title id="ban-do-ten">Bản đồ</title>'
        '<a href="/tu-khoa/mường-sa/?&quot;" aria-label="Mường &lt;Sa&gt;">'
        '<title>Mường &lt;Sa&gt;</title><g id="ban-do-a"><text>Sa</text></g></a>'
        '<g id="ban-do-b" role="img" aria-label="Đảo"><title>Đảo</title></g>'
        '<g id="ban-do-c" /></svg>'
    )
    assert "tabindex" not in html


def test_a_site_s_districts_lead_to_their_news_in_the_page_s_language() -> None:
    site = read_site(ENGLISH / "site.toml", WholeSite).site
    assert isinstance(site, WholeSite)
    assert site.map is not None
    for language, title, name, url in (
        ("en", "Parishes", "North Bank", "/tu-khoa/north-bank/"),
        ("vi", "Các xã", "Bờ Bắc", "/vi/tu-khoa/north-bank/"),
    ):
        root = etree.fromstring(site.map.drawing(language, site.prefix(language)))
        assert root.findtext("title") == title
        links = {link.get("href"): link.findtext("title") for link in root.iter("a")}
        assert links == {url: name, "https://south.example.org/": "South Bank"}
        (island,) = [each for each in root.iter("g") if each.get("role") == "img"]
        assert island.findtext("title") == "The Island"


def test_the_sample_portal_s_map_leads_to_seven_districts() -> None:
    site = read_site(ROOT / "deploy/local/samples/site/site.toml", WholeSite).site
    assert isinstance(site, WholeSite)
    assert site.map is not None
    html = site.map.drawing("vi", "")
    assert html.count("<a ") == 7
    assert 'href="/tu-khoa/th%E1%BA%A1ch-l%C4%A9nh/"' in html
    assert html.count('role="img"') == 2
