"""Where redirects lead: an address of ASCII characters, whatever was asked for."""

import re
from urllib.parse import unquote, urlsplit

import pytest

from services.render.serving.answers import redirect
from tests.unit.test_render_answers import Site

ADDRESS = re.compile(r"/(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-F]{2})*")
"""A path with a query, by RFC 3986; what we encode has capital digits."""


def location(to: str, query: str = "") -> str:
    return dict(redirect(to, 301, query).headers)[b"location"].decode("ascii")


@pytest.mark.parametrize(
    ("to", "query", "address"),
    [
        ("/tu-khoa/lễ-hội/", "", "/tu-khoa/l%E1%BB%85-h%E1%BB%99i/"),
        ("/thoi-su/", "?a=1&b=%C3%A1", "/thoi-su/?a=1&b=%C3%A1"),
        ("/a?b#c/", "?d?e", "/a%3Fb%23c/?d?e"),
        ("/50%/", "", "/50%25/"),
        ("/%2e%2e/", "", "/%252e%252e/"),
        ("/x\r\nSet-Cookie: a=b/", "?y\r\nz", "/x%0D%0ASet-Cookie:%20a=b/?y%0D%0Az"),
        (
            '/a b\\c"<>^`{|}\x7f\x00/',
            '?a b"<>#',
            "/a%20b%5Cc%22%3C%3E%5E%60%7B%7C%7D%7F%00/?a%20b%22%3C%3E%23",
        ),
        ("/\u202e\u2028\U0001f600/", "", "/%E2%80%AE%E2%80%A8%F0%9F%98%80/"),
        ("/x/", "?\xe1\xbb\x87", "/x/?%E1%BB%87"),
        ("/[x]/", "?[]=1", "/%5Bx%5D/?%5B%5D=1"),
    ],
)
def test_what_an_address_may_not_hold_is_encoded(to: str, query: str, address: str) -> None:
    assert location(to, query) == address
    assert unquote(urlsplit(location(to)).path) == to


def test_every_character_of_a_path_and_a_query() -> None:
    for number in (*range(0x300), *range(0x1E00, 0x2100), 0xFEFF, 0xFFFD, 0x1F600):
        address = location(f"/{chr(number)}/")
        assert ADDRESS.fullmatch(address.replace("?", "%3F")), address
        assert "?" not in address
        assert unquote(address) == f"/{chr(number)}/"
    for number in range(0x100):
        query = "%25" if chr(number) == "%" else chr(number)
        assert ADDRESS.fullmatch(location("/", f"?{query}"))


@pytest.mark.parametrize(
    "path",
    ["/tu-khoa/LŨ QUÉT?x/", "/tu-khoa/LŨ\r\nQUÉT", "/chu-de/A#B/", "/tu-khoa/50% Ơ/feed.xml"],
)
async def test_another_writing_of_a_tag_leads_to_its_page_in_one_line(path: str) -> None:
    site = Site()
    answer = await site.ask(path, query=b"utm=\xc3\xa1")
    assert answer.status == 301
    address = answer.headers[b"location"].decode("ascii")
    assert ADDRESS.fullmatch(address)
    assert address.endswith("?utm=%C3%A1")
