"""The sanitiser and generated addresses."""

from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.articles.body.clean import clean

PAGE = "https://www.x.vn/thoi-su/bai-abc.html"


PARTS = ["https:", "http:", "//", "/", "x.vn", ":", "80", "99999", "@", "%", "[", "]", "^", "xn--",
         "1.2", "?", "#",
         " ", "\u3000", "\u00ad", "đ", "\\", "mailto:", "tel:", "{", "|", "."]  # fmt: skip


@settings(max_examples=200)
@given(st.lists(st.sampled_from(PARTS), max_size=8).map("".join))
def test_the_sanitiser_removes_no_address_that_passes(address: str) -> None:
    html = clean(f'a<a href="{address}">b</a><img src="{address}" alt="c">', PAGE).html
    assert "<a rel=" not in html
    assert html.count("<img") == html.count('<img src="')
