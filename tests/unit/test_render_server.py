"""The page server's pure parts: which path is what, and the tags of pages."""

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from services.render.kinds import article, section
from services.render.page import Page
from services.render.serving.tags import tag_of, tag_of_page
from shared.web.paths import article_path

ARTICLE, SECTION = re.compile(article.PATTERN), re.compile(section.PATTERN)
PAGE = Page(
    "ls0001",
    3,
    "published",
    "abc",
    baseline=7,
    path="/kinh-te/cau-ls0001.html",
    section="kinh-te",
    published_at=datetime(2026, 11, 23, tzinfo=UTC),
)


@pytest.mark.parametrize(
    ("path", "article"),
    [
        ("/kinh-te/thong-xe-cau-ls0001.html", "ls0001"),
        ("/kinh-te/ls0001.html", "ls0001"),
        ("/cu/slug-cu-ls0001.html", "ls0001"),
        ("/a/b--c-1.html", "1"),
        ("/a/-ls0001.html", "ls0001"),
        (article_path("s" * 100, "t" * 100, "i" * 32), "i" * 32),
    ],
)
def test_an_article_s_path_ends_with_its_id_whatever_stands_before_it(
    path: str, article: str
) -> None:
    match = ARTICLE.fullmatch(path)
    assert match is not None
    assert match[3] == article


@pytest.mark.parametrize(
    "path",
    [
        "/ls0001.html", "/a/b/ls0001.html", "/kinh-te/cau-LS0001.html", "/kinh-te/cau-ls0001.htm",
        "/kinh-te/.html",
        "/kinh-te/cau-.html", "/kinh-te/cau-ls0001.html/", "/kinh-te/cau-ls0001.html\n",
        "//cau-ls0001.html",
        "/kinh-tế/cau-ls0001.html", "/media/../cau-ls0001.html", "/a/" + "i" * 33 + ".html",
    ],
)  # fmt: skip
def test_other_paths_are_no_article_s(path: str) -> None:
    assert not ARTICLE.fullmatch(path)


def test_sections() -> None:
    paths = ("/kinh-te/", "/kinh-te", "/", "//", "/a/b/", "/A/")
    assert [path for path in paths if SECTION.fullmatch(path)] == ["/kinh-te/"]


def test_a_tag_is_quoted_and_made_of_the_content() -> None:
    assert tag_of(b"a") == tag_of(b"a") != tag_of(b"b")
    tag = tag_of(b"a").decode()
    assert (tag[0], tag[-1], len(tag)) == ('"', '"', 20)
    assert int(tag[1:-1], 16) > 0


def test_a_page_s_tag_changes_with_all_that_is_put_into_it() -> None:
    tags = {
        tag_of_page(PAGE, "1.234", b"<aside>"),
        tag_of_page(PAGE, "1.235", b"<aside>"),
        tag_of_page(PAGE, "1.234", b"<aside class>"),
        tag_of_page(replace(PAGE, revision=4), "1.234", b"<aside>"),
        tag_of_page(replace(PAGE, template="abd"), "1.234", b"<aside>"),
    }
    assert len(tags) == 5
    assert tag_of_page(PAGE, "1.234", b"<aside>") in tags
